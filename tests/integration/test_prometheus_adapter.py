"""The Prometheus adapter against a real Prometheus that scrapes a real (small) target."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread

import httpx
import pytest

from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.analysis.targets import JudgedPods
from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.polls import Polls
from devperfops_operator.domain.effects import PollMetrics
from devperfops_operator.domain.errors import Refused, Unavailable
from devperfops_operator.domain.objectives import JudgedObjective, LivePlan, OverEdge
from devperfops_operator.domain.observed import ObjectiveEvidence
from devperfops_operator.evidence import EvidenceStore
from hack.kube import wait_for
from tests.integration.monitoring import free_port, prometheus

pytestmark = pytest.mark.integration

BUCKETS = 'http_request_duration_seconds_bucket{job="shop"}'
AWAY = """
- job_name: a+b "c"
  scrape_interval: 1s
  scrape_timeout: 1s
  static_configs: [{targets: ["127.0.0.1:1"], labels: {pod: cart-5d-a}}]
"""
SELECTOR = 'http_requests_total{code="200"}'


class Target(BaseHTTPRequestHandler):
    """One counter of two series, and a histogram, which grow with each scrape."""

    scrapes = 0

    def do_GET(self) -> None:
        Target.scrapes += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(
            f'http_requests_total{{code="200"}} {self.scrapes * 10}\n'
            f'http_requests_total{{code="500"}} {self.scrapes}\n'
            "# TYPE http_request_duration_seconds histogram\n"
            f'http_request_duration_seconds_bucket{{le="0.5"}} {self.scrapes * 7}\n'
            f'http_request_duration_seconds_bucket{{le="2"}} {self.scrapes * 8}\n'
            f'http_request_duration_seconds_bucket{{le="+Inf"}} {self.scrapes * 10}\n'.encode()
        )

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is for failures."""


@pytest.fixture(scope="module")
def target() -> Iterator[int]:
    """The port of a web server with the counter."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Target) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def url(target: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Prometheus that has scraped the target at least four times."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), target, jobs=AWAY) as url:
        wait_for("four scrapes", lambda: samples(url) >= 4, seconds=30, interval=0.2)
        yield url


def samples(url: str) -> int:
    try:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": f"count_over_time({SELECTOR}[1m])"})
        answer.raise_for_status()
    except httpx.HTTPError:
        return 0
    found = answer.json()["data"]["result"]
    return int(found[0]["value"][1]) if found else 0


def metrics(url: str, timeout_s: int = 10) -> PrometheusMetrics:
    return PrometheusMetrics({"shop": PrometheusServer(url=url)}, timeout_s)


async def test_raw_samples_of_the_window_come_back_with_their_times(url: str) -> None:
    until = datetime.now(UTC)

    series = await metrics(url).counters("shop", SELECTOR, until - timedelta(minutes=1), until)

    assert [one.labels["code"] for one in series] == ["200"]
    moments, values = zip(*series[0].samples, strict=True)
    assert len(values) >= 4
    assert all(later - earlier == 10 for earlier, later in pairwise(values))
    assert all(until.timestamp() - 60 <= moment <= until.timestamp() for moment in moments)


async def test_both_ends_of_the_window_belong_to_it(url: str) -> None:
    now = datetime.now(UTC)
    (all_of_it,) = await metrics(url).counters("shop", SELECTOR, now - timedelta(minutes=1), now)
    first, *_, last = all_of_it.samples[-3:]
    since, until = (datetime.fromtimestamp(moment, UTC) for moment, _ in (first, last))

    (window,) = await metrics(url).counters("shop", SELECTOR, since, until)

    assert list(window.samples) == list(all_of_it.samples[-3:])


async def test_every_matching_series_comes_on_its_own(url: str) -> None:
    until = datetime.now(UTC)

    series = await metrics(url).counters("shop", "http_requests_total", until - timedelta(minutes=1), until)

    assert sorted(one.labels["code"] for one in series) == ["200", "500"]


async def test_a_selector_that_matches_nothing_gives_nothing(url: str) -> None:
    until = datetime.now(UTC)

    assert (
        list(await metrics(url).counters("shop", "no_such_metric", until - timedelta(minutes=1), until)) == []
    )


async def test_targets_that_cannot_be_scraped_are_told_with_their_labels(url: str) -> None:
    until = datetime.now(UTC)

    asked = metrics(url).failed_scrapes("shop", ["shop", 'a+b "c"'], until - timedelta(minutes=1), until)

    (failed,) = await asked
    assert (failed.labels["instance"], failed.labels["pod"]) == ("127.0.0.1:1", "cart-5d-a")
    assert failed.count >= 3


async def test_a_gauge_has_one_point_a_step(url: str) -> None:
    until = datetime.now(UTC) - timedelta(milliseconds=137)
    since = until - timedelta(seconds=2)

    (series,) = await metrics(url).gauge(
        "shop", "max(http_requests_total)", since, until, timedelta(seconds=1)
    )

    moments = [round(moment - since.timestamp(), 3) for moment, _ in series.samples]
    assert moments == [0, 1, 2]
    values = [value for _, value in series.samples]
    assert values == sorted(values)


async def test_of_a_query_that_gives_many_series_two_are_enough_to_see_it(url: str) -> None:
    until = datetime.now(UTC)
    query = 'label_replace(http_requests_total, "a", "b", "", "") or up or scrape_duration_seconds'

    series = await metrics(url).gauge("shop", query, until, until, timedelta(seconds=1))

    assert len(series) == 2


@pytest.mark.parametrize(("limit_ms", "share"), [(2000, 0.2), (500, 0.3)])
async def test_a_histogram_counts_what_was_over_its_edge(url: str, limit_ms: int, share: float) -> None:
    evidence = await histogram_evidence(url, limit_ms)

    assert evidence.gap is None
    assert evidence.tally.samples >= 30
    assert evidence.tally.exceedances == round(share * evidence.tally.samples)


async def test_a_limit_that_is_no_edge_is_refused_with_the_edges_the_server_knows(url: str) -> None:
    evidence = await histogram_evidence(url, 1000)

    assert evidence.gap is not None
    assert evidence.gap.reason == "HistogramEdgeMissing"
    assert "the nearest are 500ms and 2s" in evidence.gap.message
    assert not evidence.tally.samples


async def histogram_evidence(url: str, limit_ms: int) -> ObjectiveEvidence:
    """What one read of the last half minute gives."""
    polled = OverEdge(BUCKETS, limit_ms)
    objective = JudgedObjective("fast", "p50 < x", polled, ShareTest(Fraction(1, 2), 0.001))
    evidence, read, now = EvidenceStore(), asyncio.Event(), datetime.now(UTC)
    evidence.open(
        "uid-1", LivePlan(duration=timedelta(seconds=30), objectives=(objective,), prometheus="shop")
    )
    polls = Polls(metrics=metrics(url), evidence=evidence, wake=lambda _: read.set())
    since = now - timedelta(seconds=30)
    effect = PollMetrics(
        "shop", "fast", polled, since, now, ends=now, step=timedelta(seconds=1), pods=JudgedPods("shop")
    )
    polls.start(Key(Subject.RUN, "shop", "front-end-1"), "uid-1", effect)
    async with asyncio.timeout(10):
        await read.wait()
    return evidence.view("uid-1").objectives["fast"]


async def test_a_wrong_query_of_a_gauge_is_refused_with_the_servers_own_words(url: str) -> None:
    until = datetime.now(UTC)

    with pytest.raises(Refused, match="parse error"):
        await metrics(url).gauge("shop", "max(", until, until, timedelta(seconds=1))


@pytest.mark.parametrize("selector", ["sum(http_requests_total)", "http_requests_total{", "1 + 1"])
async def test_what_is_no_selector_is_refused_with_the_servers_own_words(url: str, selector: str) -> None:
    until = datetime.now(UTC)

    with pytest.raises(Refused, match="parse error") as refused:
        await metrics(url).counters("shop", selector, until - timedelta(minutes=1), until)

    assert refused.value.reason == "QueryInvalid"


async def test_a_server_the_settings_do_not_name_is_refused() -> None:
    until = datetime.now(UTC)

    with pytest.raises(Refused, match="name no Prometheus 'other'"):
        await metrics("http://127.0.0.1:1").counters("other", SELECTOR, until, until)


async def test_a_prometheus_that_is_away_is_unavailable() -> None:
    until = datetime.now(UTC)

    with pytest.raises(Unavailable, match="does not answer"):
        await metrics(f"http://127.0.0.1:{free_port()}").counters("shop", SELECTOR, until, until)


async def test_a_prometheus_that_hangs_is_unavailable_within_the_timeout() -> None:
    until = datetime.now(UTC)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it listens and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            await metrics(url, timeout_s=1).counters("shop", SELECTOR, until, until)

    assert time.monotonic() - began < 5
