"""A gate that compares each release with its own earlier runs, from its first one on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from devperfops_operator.analysis.runs import FEWEST_RUNS
from devperfops_operator.controller.operator import Operator
from devperfops_operator.evidence import EvidenceStore
from tests.api_cases import JMETER
from tests.integration.operating import operating, ready
from tests.integration.world import World, eventually, sockets_closed
from tests.unit.evidence.test_compared import played
from tests.unit.evidence.test_recalled import EXPECT

pytestmark = pytest.mark.integration

COMPARED = {
    f"{JMETER}.rampUp": "10s",
    f"{JMETER}.duration": "330s",
    "spec.actions": {"onInconclusive": "Promote"},
    "spec.objectives": [{"expect": EXPECT}, {"expect": "p99 < 2s"}],
}


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


async def released(
    world: World, operator: Operator, evidence: EvidenceStore, number: int, factor: float
) -> dict[str, Any]:
    """The status of the run of another release, which takes so many times as long as usual."""
    before = set(world.runs())
    await world.deploy(f"podinfo:{number + 1}")
    (name,) = await eventually(f"run {number}", lambda: set(world.runs()) - before)
    await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
    uid = world.kube.get("PerfRun", name, world.namespace)["metadata"]["uid"]
    await eventually("evidence is collected", lambda: evidence.is_open(uid))
    evidence.prepared(uid, 0, datetime.now(UTC))
    operator.wake(world.namespace, name)
    await eventually("it runs", lambda: world.phase(name) == "Running")
    evidence.accept(uid, 0, played(number, factor), datetime.now(UTC))
    operator.wake(world.namespace, name)
    await eventually("it has ended", lambda: world.phase(name) == "Completed")
    return world.status("PerfRun", name)


async def test_a_release_is_compared_with_the_runs_before_it(world: World) -> None:
    evidence = EvidenceStore()
    async with operating(world, evidence=evidence) as operator:
        world.config_map()
        world.service()
        await world.deploy("podinfo:1")
        world.gate(COMPARED)
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))

        for number in range(1, FEWEST_RUNS + 1):
            status = await released(world, operator, evidence, number, 1.0)
            assert (status["verdict"], status["action"]["type"]) == ("Inconclusive", "Promote")
            assert f"there are {number - 1} earlier run" in status["message"]

        usual = await released(world, operator, evidence, 7, 1.0)
        assert (usual["verdict"], usual["reason"]) == ("Pass", "ObjectivesMet"), usual["message"]
        assert len(usual["pastTimes"][0]["timesMs"]) == FEWEST_RUNS

        slow = await released(world, operator, evidence, 8, 1.5)
        assert (slow["verdict"], slow["reason"]) == ("Fail", "ObjectiveFailed"), slow["message"]
        assert f"{EXPECT} does not hold: p95 = 3" in slow["message"]
        assert "7 earlier runs had" in slow["message"]
    assert world.image() == "podinfo:8"
