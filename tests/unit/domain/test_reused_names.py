"""Objects that are deleted and made again under the same name are not the ones from before."""

from __future__ import annotations

from dataclasses import replace

from devperfops_operator.api.perfgate import PerfGateStatus
from devperfops_operator.api.perfrun import Phase, Trigger, Verdict
from devperfops_operator.domain.run import known_good
from tests.unit.domain.test_run import fail_run, pass_run
from tests.unit.domain.world import BAD, World, gate, released, template


def test_a_run_made_again_by_hand_marks_what_it_judged_and_not_what_its_namesake_did() -> None:
    world = World(gate=gate(triggers={"rollout": False}))
    world.adopt()
    world.roll_out(template("2"))
    world.create_run("by-hand")
    fail_run(world, "by-hand")
    world.wait(200)
    world.settle("by-hand")
    world.roll_out(template("3"))
    world.create_run("by-hand", uid="2nd-by-hand")
    pass_run(world, "by-hand")
    good = known_good(tuple(world.snapshots.values()))
    assert world.runs["by-hand"].status.verdict is Verdict.PASS
    assert good is not None
    assert good.template == template("3")


def test_the_job_of_a_deleted_namesake_is_neither_taken_for_ours_nor_an_error() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.jobs[name] = replace(world.jobs[name], finished=True)
    del world.runs[name], world.evidence[name]
    world.step_gate()
    world.runs[name] = world.runs[name].model_copy(
        update={"metadata": world.runs[name].metadata.model_copy(update={"uid": "2nd"})}
    )
    world.until(name, Phase.STARTING)
    assert world.step_run(name)
    assert world.jobs == {}
    world.step_run(name)
    assert world.jobs[name].run_uid == "2nd"
    pass_run(world, name)
    assert world.runs[name].status.verdict is Verdict.PASS


def test_a_run_of_a_deleted_gate_is_none_of_its_namesakes() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    world.until(name, Phase.ACTING)
    assert world.gate is not None
    metadata = world.gate.metadata.model_copy(update={"uid": "g-2"})
    world.gate = world.gate.model_copy(update={"metadata": metadata, "status": PerfGateStatus()})
    for _ in range(3):
        world.step_run(name)
    assert world.runs[name].status.phase is Phase.CANCELLED
    assert world.patches == []
    assert name not in world.jobs


def test_a_run_of_the_operator_that_is_claimed_no_more_is_not_taken_for_one_made_by_hand() -> None:
    world, name = next(released())
    world.roll_out(template("3"))
    world.step_gate()
    claimed = world.active_run()
    assert claimed != name
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.SUPERSEDED
    pass_run(world, claimed)
    assert world.runs[claimed].status.trigger is Trigger.ROLLOUT


def test_a_run_that_is_being_deleted_ends_and_decides_nothing() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    metadata = world.runs[name].metadata.model_copy(update={"deletion_timestamp": world.now})
    world.runs[name] = world.runs[name].model_copy(update={"metadata": metadata})
    world.load(name, BAD, BAD, failed=True)
    for _ in range(3):
        world.step_run(name)
    assert world.runs[name].status.phase is Phase.CANCELLED
    assert world.patches == []
