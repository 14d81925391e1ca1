"""New code that needs more than was granted: a real API server, and a real Prometheus of an app with users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.measurement import Push
from hack.kube import wait_for
from tests.api_cases import ABSENT, JMETER
from tests.integration.monitoring import prometheus
from tests.integration.operating import operating, ready
from tests.integration.releasing import PLAYED, adopted_first
from tests.integration.releasing import released as played_release
from tests.integration.test_live import HISTORY, LIVE, App, served
from tests.integration.world import GATE, World, eventually
from tests.profiles import document
from tests.unit.evidence.test_compared import BEGIN_S, JUDGED_S, RAMP_S, RATE, played

pytestmark = pytest.mark.integration

POLICY = """
apiVersion: devperfops.io/v1alpha1
kind: QuotaPolicy
metadata: {name: january}
spec:
  mode: Enforce
  configMap: january
  baseline: {name: load-test, file: limits.yaml}
  serving: {name: production, file: limits.yaml}
  consumption:
    requests: requests_total{job="shop"}
    traffic: requests_total{job="past"}
    metered:
    - {service: ledger.googleapis.com, metric: read_calls, unit: "1/min/{project}", series: ledger_calls_total}
  leadTimes:
  - {service: ledger.googleapis.com, days: 20}
"""
LIMITS = """
apiVersion: devperfops.io/v1alpha1
kind: QuotaLimits
metadata: {name: both}
spec:
  limits:
  - {service: ledger.googleapis.com, metric: read_calls, unit: "1/min/{project}", limit: 3000}
"""
METRIC = "ledger.googleapis.com/read_calls"


class Calling(App):
    """An app whose requests call a ledger. Production has 2,400 requests a minute at its peak."""

    def __init__(self) -> None:
        super().__init__(**{"/": 40.0})
        self.requests = 200
        self.calls: float | None = 1.2

    def metrics(self) -> str:
        text = super().metrics()
        self.called = getattr(self, "called", 0.0) + self.requests * (self.calls or 0)
        return text if self.calls is None else f"{text}ledger_calls_total {self.called}\n"


@pytest.fixture
def app() -> Calling:
    return Calling()


@pytest.fixture
def monitored(app: Calling, tmp_path: Path) -> Iterator[dict[str, PrometheusServer]]:
    with ExitStack() as stack:
        port = stack.enter_context(served(app))
        url = stack.enter_context(prometheus(tmp_path, port, jobs=HISTORY.format(port=port)))
        wait_for("two scrapes", lambda: min(app.scrapes, app.past_scrapes) > 1, seconds=30, interval=0.2)
        yield {"monitoring": PrometheusServer(url=url, scrape_interval=timedelta(seconds=1))}


def asking(world: World, **changes: Any) -> None:
    """The policy, changed in its spec, and the limits of both environments."""
    policy = yaml.safe_load(POLICY)
    policy["metadata"]["namespace"] = world.namespace
    policy["spec"] |= changes
    files = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "january", "namespace": world.namespace},
        "data": {"limits.yaml": LIMITS},
    }
    world.kube.apply([files, policy])


def policy_says(world: World, reason: str) -> bool:
    conditions = world.status("QuotaPolicy", "january").get("conditions", ())
    return any(each["type"] == "Passed" and each["reason"] == reason for each in conditions)


async def guarded(world: World) -> None:
    await world.deploy("podinfo:1")
    world.gate({**LIVE, "spec.live": {"duration": "8s"}, "spec.quota": {"policy": "january"}})
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))


async def released(world: World, image: str) -> dict[str, Any]:
    """The status of its run, at the end."""
    before = set(world.runs())
    await world.deploy(image)
    (name,) = await eventually(f"a run of {image}", lambda: set(world.runs()) - before)
    await eventually("it is over", lambda: world.phase(name) == "Completed", seconds=60)
    return world.status("PerfRun", name)


async def test_a_revision_that_calls_more_than_is_granted_is_not_promoted(
    world: World, app: Calling, monitored: dict[str, PrometheusServer]
) -> None:
    asking(world)
    async with operating(world, prometheus=monitored):
        await guarded(world)
        first = await released(world, "podinfo:2")
        app.calls = 1.44
        second = await released(world, "podinfo:3")
        known_good = world.status("PerfGate", GATE)["knownGood"]
        asking(world, mode="Warn")
        third = await released(world, "podinfo:4")
        asking(world, mode="Enforce", interval="1h")
        await eventually("the policy knows", lambda: policy_says(world, "QuotaRegression"))
        row = world.status("QuotaPolicy", "january")["worst"]

    assert (row["rule"], row["asked"], row["granted"]) == ("consumption", "3,456/min", "3,000/min")
    assert (first["verdict"], first["action"]["type"]) == ("Pass", "Promote"), first["message"]
    (figure,) = first["consumption"]["figures"]
    assert (figure["name"], figure["perRequest"]) == (METRIC, "1.2")
    (forecast,) = first["consumption"]["forecasts"]
    assert (forecast["verdict"], forecast["asked"], forecast["granted"]) == ("Pass", "2,880/min", "3,000/min")

    assert (second["verdict"], second["reason"]) == ("Inconclusive", "QuotaRegression"), second["message"]
    assert (second["action"]["type"], second["action"]["reason"]) == ("Hold", "QuotaRegression")
    (figure,) = second["consumption"]["figures"]
    assert (figure["perRequest"], figure["before"]) == ("1.44", "1.2")
    assert "1.44 calls per request" in second["message"]
    assert "1.2 at the known-good revision" in second["message"]
    assert "this revision needs 3,456/min at the peak of 2,400 requests a minute" in second["message"]
    assert "production has 3,000/min: ask for 456/min more at once" in second["message"]
    assert "(lead time 20 days)" in second["message"]
    assert known_good == first["revision"]

    assert (third["verdict"], third["action"]["type"]) == ("Pass", "Promote"), third["message"]
    assert "ask for 456/min more" in third["message"]


async def test_a_peak_that_somebody_declared_does_not_block(
    world: World, app: Calling, monitored: dict[str, PrometheusServer]
) -> None:
    app.calls = 1.44
    declared = yaml.safe_load(POLICY)["spec"]["consumption"]
    declared |= {"traffic": 'requests_total{job="shop",code="none"}'}
    declared |= {"peaks": [{"rate": "3000/m", "from": "01-01", "to": "01-31", "because": "as last year"}]}
    asking(world, consumption=declared)
    async with operating(world, prometheus=monitored):
        await guarded(world)
        status = await released(world, "podinfo:2")

    assert (status["verdict"], status["action"]["type"]) == ("Pass", "Promote"), status["message"]
    assert "an estimate: the peak is declared, and was not measured" in status["message"]
    (forecast,) = status["consumption"]["forecasts"]
    assert (forecast["verdict"], forecast["asked"]) == ("Warn", "4,320/min")


async def test_calls_that_nobody_counts_are_told_and_are_no_zero(
    world: World, app: Calling, monitored: dict[str, PrometheusServer]
) -> None:
    app.calls = None
    asking(world)
    async with operating(world, prometheus=monitored):
        await guarded(world)
        status = await released(world, "podinfo:2")

    assert status["verdict"] == "Pass", status["message"]
    assert (
        "what a request takes of it is not known: `ledger_calls_total` matches no series" in status["message"]
    )
    (figure,) = status["consumption"]["figures"]
    assert "perRequest" not in figure


class Counted(Calling):
    """A ledger whose counter is told with its times, for loads that were played a while ago.

    `loads`: when each of them was judged, and how many calls a second there were.
    """

    def __init__(self, **loads: tuple[float, float]) -> None:
        super().__init__()
        self.calls = None
        self.loads = loads

    def history(self) -> str:
        self.past_scrapes += 1
        if self.past_scrapes > 1:
            return ""
        lines, total = [], 0.0
        for begin, rate in sorted(self.loads.values()):
            for second in range(RAMP_S + JUDGED_S + 1):
                total += rate
                lines.append(f"ledger_calls_total {total} {1000 * (begin + second):.0f}")
        return "\n".join(lines) + "\n"


def moved(push: Push, begin: float) -> Push:
    """As if it had begun then."""
    seconds = round(begin) - BEGIN_S
    first, last = push.heartbeat.first_start_ms, push.heartbeat.last_end_ms
    assert first is not None
    assert last is not None
    beat = replace(push.heartbeat, first_start_ms=first + 1000 * seconds, last_end_ms=last + 1000 * seconds)
    blocks = tuple(replace(block, second=block.second + seconds) for block in push.blocks)
    return replace(push, blocks=blocks, heartbeat=beat)


def profiled(world: World) -> dict[str, Any]:
    """A gate whose load is production's in January: twice the 25 requests a second of the busiest hour."""
    profile = document(rates={"GET /": 25.0})
    january = {
        "name": "january",
        "from": "01-01",
        "to": "01-31",
        "factor": 2,
        "source": "Measured",
        "hours": 99,
    }
    profile["spec"]["seasons"] = [january]
    name = {"name": "shop-profile", "namespace": world.namespace}
    world.kube.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": name,
                "data": {"profile.yaml": yaml.safe_dump(profile)},
            }
        ]
    )
    return {
        **PLAYED,
        f"{JMETER}.rate": ABSENT,
        f"{JMETER}.threads": ABSENT,
        "spec.load.profile": {"configMap": "shop-profile", "season": "january", "stall": "1s"},
        "spec.objectives": [{"expect": "p99 < 2s"}],
        "spec.prometheus": "monitoring",
        "spec.quota": {"policy": "january"},
    }


async def test_the_load_of_a_profile_tells_what_january_takes(world: World, tmp_path: Path) -> None:
    now = float(round(time.time()))
    first, second = now - 800, now - 400
    app = Counted(first=(first, 1.2 * RATE), second=(second, 1.44 * RATE))
    asking(world, consumption={"metered": yaml.safe_load(POLICY)["spec"]["consumption"]["metered"]})
    evidence = EvidenceStore()
    with served(app) as port, prometheus(tmp_path, port, jobs=HISTORY.format(port=port)) as url:
        wait_for("two scrapes", lambda: app.past_scrapes > 1, seconds=30, interval=0.2)
        servers = {"monitoring": PrometheusServer(url=url, scrape_interval=timedelta(seconds=1))}
        files = world.kube.get("ConfigMap", "january", world.namespace)["data"]
        enough = files["limits.yaml"].replace("limit: 3000", "limit: 4000")
        world.kube.patch("ConfigMap", "january", world.namespace, {"data": {"limits.yaml": enough}})
        async with operating(world, evidence=evidence, prometheus=servers) as operator:
            await adopted_first(world, profiled(world))
            passed = await played_release(world, operator, evidence, "podinfo:2", moved(played(0), first))
            more = await played_release(world, operator, evidence, "podinfo:3", moved(played(1), second))

    assert (passed["verdict"], passed["action"]["type"]) == ("Pass", "Promote"), passed["message"]
    (figure,) = passed["consumption"]["figures"]
    assert float(figure["perRequest"]) == pytest.approx(1.2, rel=0.01)
    assert "doubts" not in figure or figure["doubts"] == []
    assert (more["verdict"], more["reason"]) == ("Inconclusive", "QuotaRegression"), more["message"]
    (figure,) = more["consumption"]["figures"]
    assert float(figure["perRequest"]) == pytest.approx(1.44, rel=0.01)
    assert float(figure["before"]) == pytest.approx(1.2, rel=0.01)
    assert "at the peak of 3,000 requests a minute (january, Fri 12:00" in more["message"]
    assert "(lead time 20 days)" in more["message"]
