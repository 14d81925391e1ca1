"""The target changes under the run's feet."""

from __future__ import annotations

from datetime import UTC, datetime

from hack.kube import wait_for
from tests.e2e.arena import APP, GATE, SLOW, Arena, outcome


def test_a_rollout_that_never_becomes_ready_fails_without_load(arena: Arena):
    deployment = next(each for each in arena.app if each["kind"] == "Deployment")
    deployment["spec"]["progressDeadlineSeconds"] = 10
    arena.start()
    before = arena.template()
    arena.release("2", "--unready")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "RolloutStalled")
    assert arena.template() == before
    assert arena.jobs() == []
    arena.wait_for_rollout()


def test_a_crashing_release_fails_without_load(arena: Arena):
    arena.start()
    before = arena.template()
    arena.release("2", "--no-such-flag")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "RolloutStalled")
    assert arena.template() == before
    assert arena.jobs() == []


def test_a_new_revision_supersedes_the_run(arena: Arena):
    arena.start()
    arena.release("2")
    arena.wait_for_load()
    arena.release("3")
    first = arena.wait_for_end()
    assert outcome(first) == ("Superseded", "", "NewRevision")
    second = arena.wait_for_end(number=2)
    assert outcome(second) == ("Completed", "Pass", "ObjectivesMet")
    assert second["status"]["revision"] != first["status"]["revision"]
    arena.wait_for_known_good(second["status"]["revision"])


def test_a_restart_in_mid_run_judges_the_same_revision_again(arena: Arena):
    arena.start()
    arena.release("2")
    arena.wait_for_load()
    now = datetime.now(UTC).isoformat()
    restarted = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}
    arena.kube.patch("Deployment", APP, arena.namespace, {"spec": {"template": restarted}})
    first = arena.wait_for_end()
    assert outcome(first) == ("Superseded", "", "TargetRestarted")
    second = arena.wait_for_end(number=2)
    assert outcome(second) == ("Completed", "Pass", "ObjectivesMet")
    assert second["status"]["revision"] == first["status"]["revision"], "a restart is no new revision"


def test_a_deleted_gate_takes_its_runs_and_leaves_the_target(arena: Arena):
    arena.start()
    arena.release("2", *SLOW)
    arena.wait_for_load(samples=1)
    template = arena.template()
    arena.kube.delete("PerfGate", GATE, arena.namespace)
    wait_for("no run, Job, snapshot or load pod is left", lambda: not _made(arena), seconds=180)
    assert arena.template() == template


def _made(arena: Arena) -> list[str]:
    kinds = ("PerfRun", "Job", "ControllerRevision", "Pod")
    found = [
        each
        for kind in kinds
        for each in arena.kube.list(kind, arena.namespace, f"devperfops.io/gate={GATE}")
    ]
    return [f"{each['kind']} {each['metadata']['name']}" for each in found]
