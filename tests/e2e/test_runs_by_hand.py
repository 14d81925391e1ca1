"""A PerfRun somebody made: judged and told, and it never touches the target."""

from __future__ import annotations

from tests.e2e.arena import SLOW, Arena, outcome


def test_a_manual_run_reports_and_holds(arena: Arena):
    arena.gate_manifest["spec"]["triggers"] = {"rollout": False}
    arena.start()
    arena.release("2", *SLOW)
    arena.wait_for_rollout()
    template = arena.template()
    arena.manual_run("before-the-sale")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "ObjectiveFailed")
    assert run["status"]["trigger"] == "Manual"
    assert (run["status"]["action"]["type"], run["status"]["action"]["reason"]) == ("Hold", "ManualRun")
    assert arena.template() == template


def test_a_cancelled_run_ends_its_load(arena: Arena):
    arena.start()
    arena.release("2")
    name = arena.wait_for_load()["metadata"]["name"]
    arena.kube.patch("PerfRun", name, arena.namespace, {"spec": {"cancel": True}})
    run = arena.wait_for_end()
    assert outcome(run)[0] == "Cancelled"
    arena.wait_for_no_load()
