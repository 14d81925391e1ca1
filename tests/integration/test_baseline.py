"""A gate that compares: two workers, two addresses, and a verdict about one of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.brief import VARIABLE
from tests.api_cases import JMETER
from tests.integration.operating import operating, ready
from tests.integration.world import World, eventually, sockets_closed
from tests.unit.evidence.test_compared import EXPECT, played

pytestmark = pytest.mark.integration

COMPARED = {
    "spec.load.baseline": {"host": "front-end-stable", "port": 8080},
    "spec.load.workers": 2,
    f"{JMETER}.rampUp": "10s",
    f"{JMETER}.duration": "330s",
    "spec.objectives": [{"expect": EXPECT}, {"expect": "p99 < 2s"}],
}


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


async def released(world: World) -> str:
    """A new revision's run, whose Job is there."""
    world.config_map()
    world.service()
    await world.deploy("podinfo:1")
    world.gate(COMPARED)
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
    await world.deploy("podinfo:2")
    (name,) = await eventually("a run", world.runs)
    await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
    return name


async def ended(world: World, factor: float) -> dict[str, Any]:
    """The status of a run whose release takes so many times as long as the baseline."""
    evidence = EvidenceStore()
    async with operating(world, evidence=evidence) as operator:
        name = await released(world)
        uid = world.kube.get("PerfRun", name, world.namespace)["metadata"]["uid"]
        await eventually("evidence is collected", lambda: evidence.is_open(uid))
        for worker in (0, 1):
            evidence.prepared(uid, worker, datetime.now(UTC))
        operator.wake(world.namespace, name)
        await eventually("it runs", lambda: world.phase(name) == "Running")
        for worker, push in ((0, played(0, factor)), (1, played(1))):
            evidence.accept(uid, worker, push, datetime.now(UTC))
        operator.wake(world.namespace, name)
        await eventually("it has ended", lambda: world.phase(name) == "Completed")
    return world.status("PerfRun", name)


async def test_an_unchanged_release_passes(world: World) -> None:
    status = await ended(world, 1.0)
    assert (status["verdict"], status["reason"]) == ("Pass", "ObjectivesMet"), status["message"]
    compared, _ = status["objectives"]
    assert "ms, baseline 2" in compared["observed"]
    assert world.image() == "podinfo:2"


async def test_a_slower_release_is_rolled_back(world: World) -> None:
    status = await ended(world, 1.5)
    assert (status["verdict"], status["reason"]) == ("Fail", "ObjectiveFailed"), status["message"]
    assert f"{EXPECT} does not hold: p95 = 3" in status["message"]
    assert world.image() == "podinfo:1"


async def test_the_second_worker_gets_the_baselines_address(world: World) -> None:
    async with operating(world):
        name = await released(world)
    job = world.kube.get("Job", name, world.namespace)
    agent = next(
        each for each in job["spec"]["template"]["spec"]["initContainers"] if each["name"] == "agent"
    )
    brief = json.loads(next(each["value"] for each in agent["env"] if each["name"] == VARIABLE))
    assert job["spec"]["completions"] == 2
    target, baseline = ({**brief["properties"], **share} for share in brief["shares"])
    assert target["ServerName"] == f"front-end.{world.namespace}.svc"
    assert (baseline["ServerName"], baseline["ServerPort"]) == ("front-end-stable", "8080")
    assert target["TPM"] == baseline["TPM"] == "3000"
