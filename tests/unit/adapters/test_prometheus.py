"""The Prometheus adapter against answers a real server gives only in circumstances that are hard to bring about."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.adapters.prometheus.metrics import ENDPOINTS, SERIES
from devperfops_operator.adapters.prometheus.session import LONGEST
from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.domain.errors import DevPerfOpsError, Refused

SINCE = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=1)
COUNTER = {"metric": {"pod": "a"}, "values": [[SINCE.timestamp(), "1"], [UNTIL.timestamp(), "3"]]}


@contextmanager
def answering(result: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """The address of a server with this result for every query, and the queries it got."""
    asked: list[dict[str, list[str]]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(parse_qs(urlsplit(self.path).query))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": "success", "data": {"result": result}}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def metrics(timeout_s: int = 10, **urls: str) -> PrometheusMetrics:
    return PrometheusMetrics({name: PrometheusServer(url=url) for name, url in urls.items()}, timeout_s)


@pytest.mark.parametrize(
    "series",
    [
        {"metric": {}, "histograms": [[UNTIL.timestamp(), {"count": "3", "sum": "1"}]]},
        {"metric": {}, "value": [UNTIL.timestamp(), "3"]},
    ],
    ids=["native histogram", "instant vector"],
)
async def test_what_is_no_counter_is_refused(series: dict[str, Any]) -> None:
    with answering([COUNTER, series]) as (url, _), pytest.raises(Refused, match="counter") as refused:
        await metrics(shop=url).counters("shop", "selected", SINCE, UNTIL)

    assert refused.value.reason == "QueryInvalid"


async def test_a_selector_of_everything_does_not_fill_the_operators_memory() -> None:
    with answering([COUNTER] * (SERIES + 1)) as (url, asked), pytest.raises(Refused, match="narrow it"):
        await metrics(shop=url).counters("shop", '{__name__=~".+"}', SINCE, UNTIL)

    assert asked[0]["limit"] == [str(SERIES + 1)]


async def test_many_samples_are_refused_with_the_query_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devperfops_operator.adapters.prometheus.metrics.SAMPLES", 3_000)
    series = {"metric": {}, "values": [[SINCE.timestamp(), "1"]] * 31}
    with answering([series] * 100) as (url, _), pytest.raises(Refused) as refused:
        await metrics(shop=url).counters("shop", "selected", SINCE, UNTIL)

    assert "'selected[60001ms]' gives more than 3,000 samples" in str(refused.value)
    assert "narrow it by labels, or judge a shorter time" in str(refused.value)


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    series = {"metric": {"path": "a" * LONGEST}, "values": []}
    with answering([series]) as (url, _), pytest.raises(Refused, match="narrow it by labels"):
        await metrics(shop=url).counters("shop", "selected", SINCE, UNTIL)


@pytest.mark.parametrize(
    "result",
    [None, 7, "text", {"a": 1}, [None], ["series"], [{"values": []}], [{"metric": {}, "values": [[1]]}]],
)
async def test_what_is_no_answer_of_prometheus_is_told_as_such(result: Any) -> None:
    with answering(result) as (url, _), pytest.raises(DevPerfOpsError) as error:
        await metrics(shop=url).counters("shop", "selected", SINCE, UNTIL)

    assert "answers with something else" in str(error.value) or "plain numbers" in str(error.value)


async def test_endpoints_without_number_do_not_fill_it_either() -> None:
    with answering([COUNTER] * (ENDPOINTS + 1)) as (url, asked), pytest.raises(Refused, match="not the path"):
        await metrics(shop=url).hourly_rates("shop", "requests_total", ["method", "path"], SINCE, UNTIL)

    assert asked[0]["limit"] == [str(ENDPOINTS + 1)]
    assert asked[0]["query"] == ["sum by (method, path) (rate(requests_total[1h]))"]
    assert asked[0]["step"] == ["3600.0"]


async def test_a_prometheus_that_hangs_holds_up_no_other() -> None:
    with answering([COUNTER]) as (url, _), socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        both = metrics(timeout_s=2, shop=url, hanging=f"http://127.0.0.1:{silent.getsockname()[1]}")
        hanging = [asyncio.create_task(both.counters("hanging", "selected", SINCE, UNTIL)) for _ in range(50)]
        await asyncio.sleep(0)  # they have begun

        (series,) = await both.counters("shop", "selected", SINCE, UNTIL)

        assert not any(task.done() for task in hanging)
        assert list(series.samples) == [(SINCE.timestamp(), 1.0), (UNTIL.timestamp(), 3.0)]
        await asyncio.gather(*hanging, return_exceptions=True)
