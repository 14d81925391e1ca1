"""The controller against a real API server: from what people do to what is stored, without any mock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devperfops_operator.adapters.kubernetes import Connection
from devperfops_operator.api.settings import Notifications
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL
from tests.integration.operating import adopted, operating, ready
from tests.integration.test_cli import Shell
from tests.integration.world import GATE, World, eventually, sockets_closed
from tests.receivers import Receivers, notifications, receiving

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


async def test_what_runs_is_adopted_by_a_new_gate(world: World) -> None:
    async with operating(world):
        snapshot = await adopted(world)

        stored = world.kube.get("Deployment", GATE, world.namespace)
        status = world.status("PerfGate", GATE)
        assert snapshot["data"]["template"] == stored["spec"]["template"]
        assert snapshot["metadata"]["labels"][KNOWN_GOOD_LABEL] == "true"
        assert snapshot["metadata"]["ownerReferences"][0]["kind"] == "PerfGate"
        assert status["knownGood"] == status["target"]["revision"]
        assert world.condition("Passed") == ("True", "KnownGood")
        assert world.condition("Stalled")[0] == "False"
        assert world.runs() == []


async def test_nothing_is_adopted_before_its_rollout_is_complete(world: World) -> None:
    world.config_map()
    world.service()
    world.release("podinfo:1")

    async with operating(world):
        world.gate()
        await eventually(
            "the gate waits", lambda: world.condition("Reconciling") == ("True", "AwaitingRollout")
        )
        assert world.snapshots() == []

        await world.roll_out()
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))


async def test_what_is_missing_is_told_and_the_gate_recovers_by_itself(world: World) -> None:
    async with operating(world):
        world.gate()
        await eventually("no target", lambda: world.condition("Stalled") == ("True", "TargetNotFound"))

        await world.deploy("podinfo:1")
        await eventually("no plan", lambda: world.condition("Stalled") == ("True", "PlanNotFound"))
        assert world.condition("Ready")[0] == "False"

        world.config_map()
        world.service()
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))

    assert world.condition("Stalled")[0] == "False"
    assert "PlanNotFound" in world.events(GATE)


async def test_a_new_revision_gets_a_run_a_snapshot_and_a_job(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))

        status = world.status("PerfRun", name)
        target = world.status("PerfGate", GATE)["target"]
        assert name == f"{GATE}-{target['revision'][:8]}-1"
        assert (status["phase"], status["trigger"]) == ("Starting", "Rollout")
        assert status["revision"] == target["revision"]
        assert world.status("PerfGate", GATE)["run"]["name"] == name
        assert {one["metadata"]["name"] for one in world.snapshots()} >= {status["snapshot"]}
        reasons = [entry["reason"] for entry in status["timeline"]]
        await eventually("its events", lambda: sorted(world.events(name)) == sorted(reasons))


async def test_after_a_crash_everything_goes_on_where_it_was_and_nothing_is_made_twice(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
    before = everything(world)

    async with operating(world):
        world.run("by-hand")
        world.kube.patch("PerfRun", "by-hand", world.namespace, {"spec": {"cancel": True}})
        await eventually("all is looked at", lambda: world.phase("by-hand") == "Cancelled")
        world.kube.delete("PerfRun", "by-hand", world.namespace)

    assert world.phase(name) == "Starting"
    assert everything(world) == before


async def test_the_end_of_a_run_is_told_though_its_operator_died_before_it_could(world: World) -> None:
    async with operating(world):
        await adopted(world)
        for name in ("just-now", "long-ago"):
            world.run(name)
            world.kube.patch("PerfRun", name, world.namespace, {"spec": {"cancel": True}})
            await eventually("it is told", lambda name=name: "Cancelled" in world.events(name))
    for event in world.kube.list("Event", world.namespace):
        world.kube.delete("Event", event["metadata"]["name"], world.namespace)
    await world.write_status(
        "perfruns", "long-ago", {"completedAt": "2026-01-01T00:00:00Z"}, group="/apis/devperfops.io/v1alpha1"
    )

    async with operating(world):
        await eventually("the last step is told", lambda: world.events("just-now") == ["Cancelled"])
        world.run("next")
        await eventually("all is looked at", lambda: "Accepted" in world.events("next"))

    assert world.events("just-now") == ["Cancelled"]
    assert world.events("long-ago") == []


def everything(world: World) -> dict[str, list[tuple[str, str]]]:
    """Names and uids of all that the operator makes."""
    return {
        kind: sorted(
            (each["metadata"]["name"], each["metadata"]["uid"])
            for each in world.kube.list(kind, world.namespace)
        )
        for kind in ("PerfRun", "ControllerRevision", "Job")
    }


async def test_one_run_at_a_time(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.run("first")
        await eventually("the first has begun", lambda: world.kube.find("Job", "first", world.namespace))
        world.run("second")
        world.kube.patch("PerfRun", "first", world.namespace, {"spec": {"cancel": True}})

        await eventually("the second has begun", lambda: world.kube.find("Job", "second", world.namespace))

        timeline = world.status("PerfRun", "second")["timeline"]
        began = next(entry["at"] for entry in timeline if entry["phase"] == "Preparing")
        assert world.phase("first") == "Cancelled"
        assert world.status("PerfRun", "first")["completedAt"] <= began
        assert world.kube.find("Job", "first", world.namespace) is None


async def test_a_newer_revision_supersedes_the_run(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (older,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", older, world.namespace))

        await world.deploy("podinfo:3")

        await eventually("it is superseded", lambda: world.phase(older) == "Superseded")
        await eventually("a second run", lambda: len(world.runs()) == 2)
        await eventually("the job is gone", lambda: world.kube.find("Job", older, world.namespace) is None)


async def test_a_rollout_that_never_gets_ready_is_rolled_back(world: World) -> None:
    async with operating(world):
        snapshot = await adopted(world)
        world.release("podinfo:broken")
        (name,) = await eventually("a run", world.runs)
        await eventually("it waits", lambda: world.phase(name) == "AwaitingRollout")
        await world.stall()

        await eventually("it is over", lambda: world.phase(name) == "Completed")

        status = world.status("PerfRun", name)
        assert (status["verdict"], status["reason"]) == ("Fail", "RolloutStalled")
        assert status["action"]["type"] == "Rollback"
        assert "doneAt" in status["action"]
        stored = world.kube.get("Deployment", GATE, world.namespace)
        assert stored["spec"]["template"] == snapshot["data"]["template"]
        await world.roll_out()
        await eventually("the gate is ready", lambda: ready(world, "RolledBack"))
        assert world.runs() == [name]


def settings_of(world: Receivers, folder: Path) -> Notifications:
    return Notifications.model_validate(notifications(world, folder))


async def failed_by_its_rollout(world: World) -> str:
    """Adopt, then a release that never gets ready; the run that judged it."""
    await adopted(world)
    world.release("podinfo:broken")
    (name,) = await eventually("a run", world.runs)
    await eventually("it waits", lambda: world.phase(name) == "AwaitingRollout")
    await world.stall()
    await eventually("it is over", lambda: world.phase(name) == "Completed")
    return name


async def test_status_event_describe_report_slack_and_webhook_give_the_reason_word_for_word(
    world: World, api_server: Path, tmp_path: Path
) -> None:
    async with receiving() as listeners, operating(world, notifications=settings_of(listeners, tmp_path)):
        name = await failed_by_its_rollout(world)
        await eventually("both are told", lambda: listeners.posts and listeners.reports)
        await eventually("the status knows", lambda: untold_by_status(world, name) == [])
        status = world.status("PerfRun", name)
        message, reason = status["message"], status["reason"]
        events = [e for e in world.kube.list("Event", world.namespace) if e["reason"] == reason]
        shell = Shell(api_server, world.namespace)
        written = {
            "describe": (await asyncio.to_thread(shell.run, "describe", name)).stdout,
            "report": (await asyncio.to_thread(shell.run, "report", name)).stdout,
            "markdown": (await asyncio.to_thread(shell.run, "report", name, "-o", "markdown")).stdout,
        }
        (post,), ((key, report),) = listeners.posts, listeners.reports
    assert {event["message"] for event in events if event["involvedObject"]["name"] == name} == {message}
    for where, text in written.items():
        assert message in " ".join(text.split()), where
    assert post.splitlines()[1] == message
    assert (report["message"], report["reason"], report["verdict"]) == (message, reason, "Fail")
    assert key.strip('"') == world.kube.get("PerfRun", name, world.namespace)["metadata"]["uid"]


async def test_an_outage_of_the_receivers_touches_no_verdict_and_they_are_told_after_it(
    world: World, tmp_path: Path
) -> None:
    async with receiving() as listeners:
        told = settings_of(listeners, tmp_path)
        listeners.out_of_order = 1_000
        async with operating(world, notifications=told):
            name = await failed_by_its_rollout(world)
            await eventually("it was tried", lambda: listeners.tries >= 2)
            await eventually("the status says so", lambda: len(untold_by_status(world, name)) == 2)
        before = world.status("PerfRun", name)
        listeners.out_of_order = 0
        async with operating(world, notifications=told):  # killed meanwhile: what is owed is in the status
            await eventually("both are told", lambda: untold_by_status(world, name) == [])
        after = world.status("PerfRun", name)
    assert (before["verdict"], before["reason"], before["phase"]) == ("Fail", "RolloutStalled", "Completed")
    assert {**after, "notifications": []} == {**before, "notifications": []}
    assert (len(listeners.posts), len(listeners.reports)) == (1, 1)


def untold_by_status(world: World, run: str) -> list[str]:
    """What the status says about receivers that have not been told; `?` while it knows nothing of them."""
    entries = world.status("PerfRun", run).get("notifications") or [{"message": "?"}]
    return [each["message"] for each in entries if "sentAt" not in each and "message" in each]


async def test_a_job_that_is_refused_ends_the_run_with_the_servers_words(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.allow_no_jobs()
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)

        await eventually("it is over", lambda: world.phase(name) == "Completed")

    status = world.status("PerfRun", name)
    assert (status["verdict"], status["reason"]) == ("Error", "JobRefused")
    assert "exceeded quota" in status["message"]
    assert status["action"]["type"] == "Hold"
    assert world.image() == "podinfo:2"


async def test_a_rollback_that_is_refused_ends_in_a_reason_and_not_in_a_loop(
    world: World, powerless_over_deployments: Connection
) -> None:
    """The operator may not patch Deployments here; everything else it may."""
    async with operating(world, powerless_over_deployments):
        await adopted(world)
        world.release("podinfo:broken")
        (name,) = await eventually("a run", world.runs)
        await eventually("it waits", lambda: world.phase(name) == "AwaitingRollout")
        await world.stall()

        await eventually("it is over", lambda: world.phase(name) == "Completed", seconds=90)

    status = world.status("PerfRun", name)
    assert (status["verdict"], status["reason"]) == ("Fail", "RolloutStalled")
    assert status["action"]["type"] == "Hold"
    assert "cannot patch resource" in status["action"]["message"]
    assert world.image() == "podinfo:broken"


async def test_a_deleted_gate_takes_its_runs_with_it(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.run("first")
        await eventually("it has begun", lambda: world.kube.find("Job", "first", world.namespace))

        world.kube.delete("PerfGate", GATE, world.namespace)

        await eventually("the run ends", lambda: world.phase("first") == "Cancelled")
        await eventually("the job is gone", lambda: world.kube.find("Job", "first", world.namespace) is None)


async def test_a_deployment_that_is_only_labelled_is_no_new_revision(world: World) -> None:
    async with operating(world) as operator:
        await adopted(world)
        world.kube.patch("Deployment", GATE, world.namespace, {"metadata": {"labels": {"team": "shop"}}})
        world.run("by-hand")
        await eventually("it has begun", lambda: world.kube.find("Job", "by-hand", world.namespace))

        assert operator.ready()
        assert world.runs() == ["by-hand"]
        revision = world.status("PerfGate", GATE)["target"]["revision"]
        assert world.status("PerfRun", "by-hand")["revision"] == revision


async def test_a_target_made_anew_is_a_new_one_though_its_generation_is_the_same(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.kube.delete("Deployment", GATE, world.namespace)
        await world.deploy("podinfo:2")

        (name,) = await eventually("a run", world.runs)

        judged = world.kube.get("Deployment", GATE, world.namespace)
        assert judged["metadata"]["generation"] == 1
        await eventually(
            "the gate knows it",
            lambda: world.status("PerfGate", GATE)["target"]["uid"] == judged["metadata"]["uid"],
        )
        assert world.status("PerfGate", GATE)["run"]["name"] == name
