"""Gates without load: a real API server, and a real Prometheus that scrapes an app with real users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from devperfops_operator.api.settings import PrometheusServer
from hack.kube import wait_for
from tests.api_cases import ABSENT
from tests.integration.monitoring import free_port, prometheus
from tests.integration.operating import operating, ready
from tests.integration.world import GATE, World, eventually

pytestmark = pytest.mark.integration

LIVE: dict[str, Any] = {
    "spec.load": ABSENT,
    "spec.live": {"duration": "6s"},
    "spec.prometheus": "monitoring",
    "spec.objectives": [
        {"name": "fast", "expect": "p90 < 500ms", "histogram": "request_duration_seconds_bucket"},
        {"expect": "good >= 90%", "good": 'requests_total{code="200"}', "total": "requests_total"},
    ],
}


HISTORY = """
- job_name: past
  scrape_interval: 1s
  metrics_path: /past
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
COVERAGE = {"traffic": 'requests_total{job="past"}', "tested": 'requests_total{job="shop"}', "by": ["route"]}


class App:
    """What one scrape finds: so many requests since the one before, a share of them slow.

    `past`: requests a second by route, all the time until now.
    """

    def __init__(self, **past: float) -> None:
        self.past = past or {"/": 30.0, "/cart": 10.0}
        self.requests = 0
        self.slow = 0
        self.scrapes = 0
        self.past_scrapes = 0
        self._counted = [0, 0]

    def metrics(self) -> str:
        self._counted = [self._counted[0] + self.requests, self._counted[1] + self.slow]
        self.scrapes += 1
        total, slow = self._counted
        return (
            f'requests_total{{code="200",route="/"}} {total * 3 / 4}\n'
            f'requests_total{{code="200",route="/cart"}} {total / 4}\n'
            "# TYPE request_duration_seconds histogram\n"
            f'request_duration_seconds_bucket{{le="0.5"}} {total - slow}\n'
            f'request_duration_seconds_bucket{{le="+Inf"}} {total}\n'
        )

    def history(self) -> str:
        """Two weeks of it, each sample with its time; told once."""
        self.past_scrapes += 1
        if self.past_scrapes > 1:
            return ""
        now = time.time()
        moments = [now - seconds for seconds in range(15 * 24 * 3600, 0, -300)]
        lines = [
            f'requests_total{{code="200",route="{route}"}} {rate * (moment - moments[0])} {moment * 1000:.0f}'
            for route, rate in self.past.items()
            for moment in moments
        ]
        return "\n".join(lines) + "\n"


@contextmanager
def served(app: App) -> Iterator[int]:
    """The port of its metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (app.history() if self.path == "/past" else app.metrics()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def app(request: pytest.FixtureRequest) -> App:
    """With the past that the test's parameter says, or the usual one."""
    return App(**getattr(request, "param", {}))


@pytest.fixture
def monitored(app: App, tmp_path: Path) -> Iterator[dict[str, PrometheusServer]]:
    """The operator's setting of a Prometheus that scrapes the app each second."""
    with ExitStack() as stack:
        port = stack.enter_context(served(app))
        url = stack.enter_context(prometheus(tmp_path, port, jobs=HISTORY.format(port=port)))
        wait_for("two scrapes", lambda: min(app.scrapes, app.past_scrapes) > 1, seconds=30, interval=0.2)
        yield {"monitoring": PrometheusServer(url=url, scrape_interval=timedelta(seconds=1))}


async def watched_run(world: World, **changes: Any) -> dict[str, Any]:
    """A rollout of a gate without load. Gives the status of its run, once that is over."""
    await world.deploy("podinfo:1")
    world.gate({**LIVE, **changes})
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
    await world.deploy("podinfo:2")
    (name,) = await eventually("a run", world.runs)
    await eventually("it is over", lambda: world.phase(name) == "Completed", seconds=60)
    assert world.kube.list("Job", world.namespace) == []
    return world.status("PerfRun", name)


async def test_a_release_that_serves_its_users_well_is_promoted(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests, app.slow = 200, 3
    async with operating(world, prometheus=monitored):
        status = await watched_run(world)

    assert (status["verdict"], status["action"]["type"]) == ("Pass", "Promote")
    assert status["objectives"][0]["samples"] >= 800
    assert "load" not in status
    assert world.status("PerfGate", GATE)["knownGood"] == status["revision"]


async def test_a_release_that_makes_its_users_wait_is_rolled_back(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests, app.slow = 200, 60
    async with operating(world, prometheus=monitored):
        status = await watched_run(world, **{"spec.live": {"duration": "2m"}})

    assert (status["verdict"], status["reason"]) == ("Fail", "ObjectiveFailed")
    assert "p90 < 500ms does not hold: 30% over the limit" in status["message"]
    assert world.image() == "podinfo:1"


async def test_nobody_came_so_nothing_is_shown(world: World, monitored: dict[str, PrometheusServer]) -> None:
    async with operating(world, prometheus=monitored):
        status = await watched_run(world)

    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NoSamples"), status["message"]
    assert world.image() == "podinfo:2"


async def test_an_operator_that_is_killed_and_comes_back_judges_the_same_time(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests, app.slow = 200, 3
    async with operating(world, prometheus=monitored):
        await world.deploy("podinfo:1")
        world.gate(LIVE)
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("it is watched", lambda: world.phase(name) == "Running")
    before = world.status("PerfRun", name)["live"]
    async with operating(world, prometheus=monitored):
        await eventually("it is over", lambda: world.phase(name) == "Completed", seconds=60)

    status = world.status("PerfRun", name)
    assert status["verdict"] == "Pass", status["message"]
    assert (status["live"]["judgedFrom"], status["live"]["endedAt"]) == (
        before["judgedFrom"],
        before["endsAt"],
    )


async def test_without_its_prometheus_a_release_is_not_judged(world: World) -> None:
    away = PrometheusServer(url=f"http://127.0.0.1:{free_port()}", scrape_interval=timedelta(seconds=1))
    async with operating(world, prometheus={"monitoring": away}):
        await world.deploy("podinfo:1")
        world.gate(LIVE)
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("it is over", lambda: world.phase(name) == "Completed", seconds=90)

    status = world.status("PerfRun", name)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PrometheusUnavailable")


async def test_a_canary_that_nobody_used_says_what_is_usual_and_how_long_to_wait(
    world: World, monitored: dict[str, PrometheusServer]
) -> None:
    async with operating(world, prometheus=monitored):
        status = await watched_run(world, **{"spec.coverage": COVERAGE})

    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CoverageTooLow"), status["message"]
    assert "0 requests came, where 2" in status["message"]  # about 40 a second for 7 seconds
    assert "nobody used it; at the usual traffic of these hours it takes 1m" in status["message"]
    assert status["coverage"]["unseen"] == "100%"


async def test_one_that_lasted_seconds_is_too_short_even_if_all_of_it_was_good(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests = 6
    async with operating(world, prometheus=monitored):
        status = await watched_run(world, **{"spec.coverage": COVERAGE})

    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CoverageTooLow"), status["message"]
    assert "of the 2 known endpoints got the 29 requests" in status["message"]


async def test_one_that_is_used_as_usual_is_judged(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests, app.slow = 200, 3
    asked = {**COVERAGE, "minVolume": "50%", "maxDistance": "10%"}
    async with operating(world, prometheus=monitored):
        status = await watched_run(world, **{"spec.coverage": asked})

    assert status["verdict"] == "Pass", status["message"]
    covered = status["coverage"]
    assert (covered["exercised"], covered["known"], covered["unseen"]) == ("100%", 2, "0%")
    assert 230 <= covered["usual"] <= 330
    assert [each["weight"] for each in covered["endpoints"]] == ["75%", "25%"]


async def test_one_whose_production_is_called_wrong_is_not(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests = 200
    asked = {**COVERAGE, "traffic": 'requests_totals{job="past"}'}
    async with operating(world, prometheus=monitored):
        status = await watched_run(world, **{"spec.coverage": asked})

    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CoverageUnknown"), status["message"]
    assert 'production traffic has no series requests_totals{job="past"}' in status["message"]


@pytest.mark.parametrize("app", [{"/": 10.0, "/order": 30.0}], indirect=True)
async def test_one_that_is_used_for_something_else_is_not(
    world: World, app: App, monitored: dict[str, PrometheusServer]
) -> None:
    app.requests = 200
    async with operating(world, prometheus=monitored):
        status = await watched_run(world, **{"spec.coverage": COVERAGE})

    assert status["reason"] == "CoverageTooLow"
    assert "75% of the usual traffic goes where no request came" in status["message"]
