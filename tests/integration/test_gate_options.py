"""A gate's options at a real API server: what begins, what follows from a verdict, what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.domain.errors import Conflict
from tests.integration.operating import adopted, operating, ready
from tests.integration.world import GATE, World, eventually, sockets_closed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


async def stalled_run(world: World, image: str = "podinfo:broken") -> str:
    """The end of a run whose release never gets ready. Gives its name."""
    before = world.runs()
    world.release(image)
    (name,) = await eventually("a run", lambda: set(world.runs()) - set(before))
    await eventually("it waits", lambda: world.phase(name) == "AwaitingRollout")
    await world.stall()
    await eventually("it is over", lambda: world.phase(name) == "Completed")
    return str(name)


async def test_a_gate_that_tests_at_first_has_a_run_and_no_known_good(world: World) -> None:
    world.config_map()
    world.service()
    await world.deploy("podinfo:1")
    async with operating(world):
        world.gate({"spec.initial": "Test"})
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))

    assert "knownGood" not in world.status("PerfGate", GATE)
    assert world.status("PerfRun", name)["trigger"] == "Rollout"


async def test_an_observed_release_that_fails_stays(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.edit_gate({"mode": "Observe"})
        name = await stalled_run(world)

        await eventually("the gate tells", lambda: ready(world, "RolloutStalled"))

    action = world.status("PerfRun", name)["action"]
    assert (action["type"], action["reason"]) == ("Hold", "ObserveOnly")
    assert "doneAt" in action
    assert world.image() == "podinfo:broken"


async def test_a_suspended_gate_starts_nothing_until_it_goes_on(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.edit_gate({"suspend": True})
        await world.deploy("podinfo:2")
        await eventually("the gate rests", lambda: ready(world, "Suspended"))
        assert world.runs() == []

        world.edit_gate({"suspend": False})
        await eventually("a run", world.runs)


async def test_edits_that_are_not_about_judging_leave_a_run_alone(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))

        world.edit_gate({"suspend": True, "mode": "Observe", "actions": {"onFail": "Hold"}})
        generation = world.kube.get("PerfGate", GATE, world.namespace)["metadata"]["generation"]
        await eventually(
            "it is seen", lambda: world.status("PerfGate", GATE)["observedGeneration"] == generation
        )

        assert world.phase(name) == "Starting"
        assert world.runs() == [name]
        world.edit_gate({"objectives": [{"expect": "p99 < 3s"}]})
        await eventually("it is superseded", lambda: world.phase(name) == "Superseded")


async def test_an_override_lets_a_failed_revision_stand_when_it_returns(world: World) -> None:
    async with operating(world):
        await adopted(world)
        name = await stalled_run(world)
        failed = world.status("PerfRun", name)["revision"]
        assert world.image() == "podinfo:1"
        world.edit_gate(
            {
                "override": {
                    "revision": failed,
                    "reason": "the sale begins",
                    "by": "anna",
                    "expires": "2099-01-01T00:00:00Z",
                }
            }
        )
        await world.deploy("podinfo:broken")
        await eventually("it stands", lambda: ready(world, "Overridden"))

        status = world.status("PerfGate", GATE)
        assert status["knownGood"] == failed
        assert (status["override"]["by"], status["override"]["reason"]) == ("anna", "the sale begins")
        assert world.image() == "podinfo:broken"
        assert world.runs() == [name]
        await eventually("it is told", lambda: "Overridden" in world.events(GATE))


async def cancelled_run(world: World, name: str) -> None:
    """A run that has taken its snapshot and made its Job, then ended."""
    world.run(name)
    await eventually("it has begun", lambda: world.kube.find("Job", name, world.namespace))
    world.kube.patch("PerfRun", name, world.namespace, {"spec": {"cancel": True}})
    await eventually("it has ended", lambda: world.phase(name) == "Cancelled")


async def test_what_is_over_and_beyond_the_limit_is_deleted(world: World) -> None:
    async with operating(world):
        snapshot = await adopted(world)
        for name in ("first", "second", "third"):
            await cancelled_run(world, name)
        world.run("under-way")
        await eventually("it has begun", lambda: world.kube.find("Job", "under-way", world.namespace))

        world.edit_gate({"historyLimit": 1})

        await eventually("runs are gone", lambda: world.runs() == ["third", "under-way"])
        await eventually("snapshots are gone", lambda: len(world.snapshots()) == 2)

    kept = {each["metadata"]["name"] for each in world.snapshots()}
    assert kept == {snapshot["metadata"]["name"], world.status("PerfRun", "under-way")["snapshot"]}


async def test_an_object_made_anew_under_a_name_is_not_deleted_for_the_old_one(world: World) -> None:
    cluster = Cluster(world.connection)
    world.gate()
    world.run("first")
    uid = world.kube.get("PerfRun", "first", world.namespace)["metadata"]["uid"]
    world.kube.delete("PerfRun", "first", world.namespace)
    world.run("first")

    with pytest.raises(Conflict):
        await cluster.delete("PerfRun", world.namespace, "first", uid)

    assert world.runs() == ["first"]
    now = world.kube.get("PerfRun", "first", world.namespace)["metadata"]["uid"]
    await cluster.delete("PerfRun", world.namespace, "first", now)
    assert world.runs() == []


def begun(world: World, run: str) -> bool:
    return world.kube.find("Job", run, world.namespace) is not None


async def test_gates_of_different_environments_load_at_once_and_those_of_one_do_not(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.edit_gate({"environment": "blue"})
        for name, environment in (("green-1", "green"), ("green-2", "green")):
            world.gate({"metadata.name": name, "spec.environment": environment})
        world.run("in-blue")
        await eventually("it has begun", lambda: begun(world, "in-blue"))
        world.run("in-green", gate="green-1")
        await eventually("it has begun too", lambda: begun(world, "in-green"))
        world.run("waits", gate="green-2")
        await eventually("it queues", lambda: "Queued" in world.events("waits"))

        message = world.status("PerfRun", "waits")["timeline"][-1]["message"]
        assert message == "waits for in-green: one load at a time in environment green"
        assert not begun(world, "waits")
        world.kube.patch("PerfRun", "in-green", world.namespace, {"spec": {"cancel": True}})
        await eventually("its turn has come", lambda: begun(world, "waits"))

    assert world.phase("in-blue") == "Starting"


async def test_a_gate_says_when_its_objectives_are_looser_than_what_users_were_promised(world: World) -> None:
    def graph(sla: str) -> dict[str, Any]:
        services = f"services: [{{name: {GATE}}}]"
        roots = f"roots: [{{service: {GATE}, sla: [{sla}]}}]"
        head = "apiVersion: devperfops.io/v1alpha1\nkind: ServiceGraph\nmetadata: {name: shop}\n"
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "shop-graph", "namespace": world.namespace},
            "data": {"graph.yaml": f"{head}spec: {{{roots}, {services}}}\n"},
        }

    async with operating(world):
        await adopted(world)
        assert world.condition("WithinSLA") == ("", "")
        world.edit_gate({"sla": {"configMap": "shop-graph"}})
        unknown = ("Unknown", "SLAUnknown")
        await eventually("nobody knows", lambda: world.condition("WithinSLA") == unknown)
        world.kube.create(graph("p99 < 1s"))
        loose = ("False", "SLAContradicted")
        await eventually("it is too loose", lambda: world.condition("WithinSLA") == loose)
        assert ready(world, "KnownGood")
        world.edit_gate({"sla": {"block": True}})
        await eventually("it stalls", lambda: world.condition("Stalled") == ("True", "SLAContradicted"))
        world.kube.apply([graph("p99 < 2s")])
        kept = ("True", "NothingContradicted")
        await eventually("it is not", lambda: world.condition("WithinSLA") == kept)
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
