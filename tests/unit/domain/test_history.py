"""What a gate keeps of its past."""

from __future__ import annotations

from datetime import timedelta

from devperfops_operator.api.perfrun import NotificationStatus, Phase
from devperfops_operator.domain.effects import DeleteObject
from devperfops_operator.domain.observed import EffectFailure
from tests.unit.domain.test_run import deliver_final, fail_run, outcome, pass_run
from tests.unit.domain.world import World, gate, template


def a_past(limit: int, *, manual: int = 5) -> World:
    """Known-good 1, tested by hand several times, under a limit that comes afterwards."""
    world = World(gate=gate(historyLimit=1000))
    world.adopt()
    for number in range(1, manual + 1):
        world.create_run(f"by-hand-{number}")
        pass_run(world, f"by-hand-{number}")
        world.wait(1)
    world.edit_gate(historyLimit=limit)
    return world


def test_the_oldest_runs_and_snapshots_beyond_the_limit_go() -> None:
    world = a_past(2)
    world.adopt()
    assert sorted(world.runs) == ["by-hand-4", "by-hand-5"]
    assert {snapshot.number for snapshot in world.snapshots.values()} == {5, 6}


def test_nothing_goes_below_the_limit() -> None:
    world = a_past(6)
    world.adopt()
    assert (len(world.runs), len(world.snapshots)) == (5, 6)
    assert world.decide_gate().effects == ()


def test_a_run_that_has_not_ended_and_its_snapshot_stay() -> None:
    world = a_past(1, manual=1)
    world.create_run("under-way")
    world.until("under-way", Phase.RUNNING)
    for name in ("later", "last"):
        world.create_run(name)
        status = world.runs[name].status.model_copy(
            update={"phase": Phase.CANCELLED, "completed_at": world.now}
        )
        world.runs[name] = world.runs[name].model_copy(update={"status": status})
        world.wait(1)
    world.adopt()
    assert sorted(world.runs) == ["last", "under-way"]
    assert world.snapshot_of("under-way") in world.snapshots.values()


def test_the_known_good_and_the_gates_own_run_outlive_any_number_of_others() -> None:
    world = World(gate=gate(historyLimit=1))
    world.adopt()
    good = world.decide_gate().status.known_good
    world.roll_out(template("2"))
    world.step_gate()
    own = world.active_run()
    fail_run(world, own)
    deliver_final(world, own)
    for number in range(3):
        world.wait(1)
        world.create_run(f"by-hand-{number}")
        fail_run(world, f"by-hand-{number}")
        world.wait(200)
        world.settle(f"by-hand-{number}")
    assert sorted(world.runs) == ["by-hand-2", own]
    assert world.decide_gate().status.known_good == good
    assert [s.revision for s in world.snapshots.values() if s.known_good] == [good]


def test_the_revision_a_run_goes_back_to_stays_until_it_has() -> None:
    world = World(gate=gate(historyLimit=1))
    world.adopt()
    world.roll_out(template("2"))
    world.step_gate()
    name = world.active_run()
    world.refused["RollBack"] = "not now"
    fail_run(world, name)
    status = world.runs[name].status
    assert status.action is not None
    adopted = next(s for s in world.snapshots.values() if s.revision == status.action.to_revision)
    newer = max(snapshot.number for snapshot in world.snapshots.values()) + 1
    for number in (newer, newer + 1):
        world.snapshots[f"s-{number}"] = type(adopted)(
            f"s-{number}", number, f"r-{number}", {}, known_good=True
        )
    world.adopt()
    assert sorted(world.snapshots) == sorted([adopted.name, status.snapshot, f"s-{newer + 1}"])


def test_a_run_somebody_is_still_to_hear_of_stays_for_a_day() -> None:
    world = a_past(1)
    first = world.runs["by-hand-1"]
    entry = (NotificationStatus(receiver="slack"),)
    status = first.status.model_copy(update={"notifications": entry})
    world.runs["by-hand-1"] = first.model_copy(update={"status": status})
    world.adopt()
    assert sorted(world.runs) == ["by-hand-1", "by-hand-5"]
    world.now += timedelta(days=1, hours=1)
    world.adopt()
    assert sorted(world.runs) == ["by-hand-5"]


def test_attempts_are_counted_on_from_those_that_are_left() -> None:
    world = World(gate=gate(historyLimit=1))
    world.adopt()
    world.roll_out(template("2"))
    names = []
    for limit in ("0.5%", "0.4%", "0.3%"):
        world.edit_gate(objectives=[{"expect": "p99 < 2s"}, {"expect": f"errors < {limit}"}])
        world.step_gate()
        names.append(world.active_run())
        world.until(names[-1], Phase.RUNNING)
        spec = world.runs[names[-1]].spec.model_copy(update={"cancel": True})
        world.runs[names[-1]] = world.runs[names[-1]].model_copy(update={"spec": spec})
        world.settle(names[-1])
    assert [name[-2:] for name in names] == ["-1", "-2", "-3"]
    assert list(world.runs) == [names[-1]]


def test_a_long_past_goes_in_portions_and_by_uid() -> None:
    world = a_past(1, manual=25)
    effects = world.decide_gate().effects
    assert len(effects) == 20
    first = effects[0]
    assert isinstance(first, DeleteObject)
    assert (first.kind, first.name, first.uid) == ("PerfRun", "by-hand-1", "u-by-hand-1")
    world.adopt()
    assert list(world.runs) == ["by-hand-25"]


def test_a_refusal_to_delete_holds_up_nothing_and_is_tried_again_later() -> None:
    world = a_past(1)
    for kind in ("PerfRun", "ControllerRevision"):
        world.failures[f"Delete{kind}"] = EffectFailure(
            refused=True, message="forbidden", attempts=1, last=world.now
        )
    world.roll_out(template("2"))
    world.step_gate()
    assert world.active_run() in world.runs
    assert "by-hand-1" in world.runs
    world.wait(601)
    world.adopt()
    assert "by-hand-1" not in world.runs


def test_killed_before_the_deletions_they_are_made_afterwards() -> None:
    undisturbed = a_past(2)
    undisturbed.adopt()
    world = a_past(2)
    world.step_gate(crash=True)
    world.adopt()
    assert outcome(world) == outcome(undisturbed)
