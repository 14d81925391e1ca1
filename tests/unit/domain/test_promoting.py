"""A Pass goes on to the primary, against a world in memory; killed anywhere, it goes on where it was."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from devperfops_operator.api.base import ConditionStatus
from devperfops_operator.api.perfrun import ActionStatus, ActionType, Phase, Verdict
from devperfops_operator.domain.effects import Promote
from devperfops_operator.domain.manifests.config_copy import config_content
from devperfops_operator.domain.manifests.template import referenced_config_maps, template_hash
from devperfops_operator.domain.observed import Primary, Problem
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.test_run import fail_run, pass_run
from tests.unit.domain.world import COMPLETE, GOOD, NAMESPACE, World, gate
from tests.unit.domain.world import template as plain

PRIMARY = "front-end-primary"


def template(version: str) -> dict[str, Any]:
    made = plain(version)
    made["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    return made


def settings(value: str) -> dict[str, Any]:
    return {"metadata": {"name": "settings", "namespace": NAMESPACE, "labels": {}}, "data": {"value": value}}


def world_of(**spec: Any) -> World:
    """Version 1 is known-good; the primary runs something of its own."""
    world = World(gate=gate(**{"promoteTo": PRIMARY, **spec}), template=template("1"))
    world.config_maps["settings"] = settings("one")
    own = {"metadata": {"labels": {"app": PRIMARY}}, "spec": {"containers": []}}
    world.primary = Primary(
        name=PRIMARY,
        uid="p-1",
        selector={"matchLabels": {"app": PRIMARY}},
        template=own,
        template_hash=template_hash(own),
        rollout=COMPLETE,
    )
    world.adopt()
    return world


def release(world: World, version: str) -> str:
    world.config_maps["settings"] = settings(f"of {version}")
    world.roll_out(template(version))
    world.step_gate()
    return world.active_run()


@pytest.fixture
def released() -> tuple[World, str]:
    world = world_of()
    return world, release(world, "2")


def action_of(world: World, name: str) -> ActionStatus:
    action = world.runs[name].status.action
    assert action is not None
    return action


def held(world: World, name: str) -> tuple[str, str]:
    """Reason and sentence of a run that ended with Pass and was not promoted; the gate tells them, too."""
    status, action = world.runs[name].status, action_of(world, name)
    assert (status.phase, status.verdict, action.type) == (Phase.COMPLETED, Verdict.PASS, ActionType.HOLD)
    assert world.gate is not None
    conditions = {condition.type: condition for condition in world.gate.status.conditions}
    assert conditions["Stalled"].reason == action.reason
    assert conditions["Stalled"].status is ConditionStatus.TRUE
    assert action.message in conditions["Stalled"].message
    assert not world.snapshot_of(name).known_good
    return action.reason, action.message


def image(world: World) -> str:
    assert world.primary is not None
    containers = world.primary.template["spec"]["containers"]
    return containers[0]["image"] if containers else "its own"


def config_read(world: World) -> str:
    """What the primary's pods read."""
    assert world.primary is not None
    (name,) = referenced_config_maps(world.primary.template)
    return config_content(world.config_maps[name])["value"]


def test_a_pass_changes_the_primary_and_is_known_good_once_that_runs(released: tuple[World, str]) -> None:
    world, name = released
    assert image(world) == "its own"
    pass_run(world, name)
    assert world.runs[name].status.phase is Phase.ACTING
    assert world.told(name)[-1] == "PrimaryPatched"
    assert not world.snapshot_of(name).known_good
    world.primary_rolls_out()
    world.settle(name)
    status, action = world.runs[name].status, action_of(world, name)
    assert (status.phase, action.type) == (Phase.COMPLETED, ActionType.PROMOTE)
    assert action.message == f"Deployment {PRIMARY} runs revision {status.revision}"
    assert world.snapshot_of(name).known_good
    assert world.primary is not None
    assert world.primary.template["metadata"]["labels"] == {"app": PRIMARY}
    assert (image(world), config_read(world)) == ("front-end:2", "of 2")
    assert world.gate is not None
    assert world.gate.status.primary is not None
    assert world.gate.status.primary.revision == status.revision
    assert world.gate.status.primary.message == COMPLETE.message
    assert world.template == template("2")


def test_a_fail_leaves_the_primary_alone(released: tuple[World, str]) -> None:
    world, name = released
    fail_run(world, name)
    assert world.template == template("1")
    assert image(world) == "its own"
    assert list(world.config_maps) == ["settings"]


def test_a_run_by_hand_does_not_promote(released: tuple[World, str]) -> None:
    world, _ = released
    world.create_run("by-hand")
    pass_run(world, "by-hand")
    action = action_of(world, "by-hand")
    assert (action.type, action.reason) == (ActionType.HOLD, "ManualRun")
    assert image(world) == "its own"
    assert not world.snapshot_of("by-hand").known_good


def test_config_that_is_no_longer_as_it_was_tested_is_not_promoted(released: tuple[World, str]) -> None:
    world, name = released
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.until(name, Phase.ACTING)
    status = world.runs[name].status
    world.config_maps["settings"] = settings("edited")
    for _ in range(5):
        world.step_run(name)
    action = action_of(world, name)
    assert (action.type, action.reason) == (ActionType.HOLD, "ConfigChanged")
    assert f"the ConfigMaps revision {status.revision} reads (settings)" in action.message
    assert image(world) == "its own"
    assert list(world.config_maps) == ["settings"]


def test_config_that_changes_between_plan_and_patch_is_not_promoted(released: tuple[World, str]) -> None:
    world, name = released
    world.refused["Promote"] = "not now"
    pass_run(world, name)
    assert action_of(world, name).primary is not None
    world.refused.clear()
    world.config_maps["settings"] = settings("edited")
    world.wait(60)
    for _ in range(5):
        world.step_run(name)
    assert action_of(world, name).reason == "ConfigChanged"
    assert image(world) == "its own"


def test_a_refused_patch_is_tried_with_patience_and_then_told(released: tuple[World, str]) -> None:
    world, name = released
    world.refused["Promote"] = "denied by policy no-latest"
    pass_run(world, name)
    for _ in range(5):
        world.wait(30)
        world.settle(name)
    reason, message = held(world, name)
    assert reason == "PromoteRefused"
    assert message == "tried 4 times: denied by policy no-latest"
    assert image(world) == "its own"


def test_a_primary_that_does_not_get_ready_is_told_and_left_for_people_to_decide(
    released: tuple[World, str],
) -> None:
    world, name = released
    pass_run(world, name)
    assert world.primary is not None
    stuck = Problem("RolloutStalled", "container app of the new pod x crashed 3 times (CrashLoopBackOff)")
    world.primary = replace(world.primary, rollout=replace(world.primary.rollout, problem=stuck))
    world.settle(name)
    reason, message = held(world, name)
    assert reason == "PrimaryStalled"
    assert "crashed 3 times" in message
    assert f"kubectl rollout undo deployment {PRIMARY}" in message
    assert image(world) == "front-end:2"
    assert world.patches == [world.primary.template]


def test_a_rollout_of_the_primary_without_end_is_not_awaited_for_ever(released: tuple[World, str]) -> None:
    world, name = released
    pass_run(world, name)
    world.wait(3601)
    world.settle(name)
    reason, message = held(world, name)
    assert reason == "PrimaryStalled"
    assert "not complete after 1h: 0 of 2 pods updated" in message


def test_what_somebody_else_makes_of_the_primary_meanwhile_stands(released: tuple[World, str]) -> None:
    world, name = released
    pass_run(world, name)
    world.change_primary(plain("of somebody else"))
    world.settle(name)
    assert held(world, name)[0] == "PrimaryChanged"
    assert image(world) == "front-end:of somebody else"
    assert world.gate is not None
    assert world.gate.status.primary is not None
    assert world.gate.status.primary.revision is None


def test_an_undone_primary_is_not_patched_again(released: tuple[World, str]) -> None:
    world, name = released
    before = world.primary
    assert before is not None
    pass_run(world, name)
    world.change_primary(before.template)
    world.settle(name)
    assert held(world, name)[0] == "PrimaryChanged"
    assert image(world) == "its own"


@pytest.mark.parametrize("gone", [None, "p-2"])
def test_a_primary_that_is_deleted_meanwhile_is_told(released: tuple[World, str], gone: str | None) -> None:
    world, name = released
    pass_run(world, name)
    assert world.primary is not None
    world.primary = replace(world.primary, uid=gone) if gone else None
    for _ in range(5):
        world.step_run(name)
    assert action_of(world, name).reason == "PrimaryNotFound"


def test_a_deleted_run_is_made_again_and_marks_what_the_primary_has(released: tuple[World, str]) -> None:
    """The way out of every Hold, once what was wrong is mended."""
    world, name = released
    pass_run(world, name)
    world.wait(3601)
    world.settle(name)
    assert held(world, name)[0] == "PrimaryStalled"
    world.primary_rolls_out()
    del world.runs[name], world.jobs[name], world.evidence[name]
    world.adopt()
    again = world.active_run()
    pass_run(world, again)
    assert world.runs[again].status.phase is Phase.COMPLETED
    assert world.snapshot_of(again).known_good
    assert len(world.patches) == 1


def test_copies_go_when_no_replica_set_needs_them_any_more(released: tuple[World, str]) -> None:
    world, name = released
    promote(world, name)
    first = copies(world)
    promote(world, release(world, "3"))
    assert len(copies(world)) == 2, "kubectl rollout undo may go back to version 2"
    del world.used_by_replica_sets[:]
    promote(world, release(world, "4"))
    assert len(copies(world)) == 2
    assert not first & copies(world)
    assert (image(world), config_read(world)) == ("front-end:4", "of 4")


def promote(world: World, name: str) -> None:
    pass_run(world, name)
    world.primary_rolls_out()
    world.settle(name)
    assert world.runs[name].status.phase is Phase.COMPLETED


def copies(world: World) -> set[str]:
    return {name for name in world.config_maps if PRIMARY in name}


def test_copies_that_may_not_be_deleted_hold_nothing_up(released: tuple[World, str]) -> None:
    world, name = released
    promote(world, name)
    del world.used_by_replica_sets[:]
    world.refused["DeleteConfigMap"] = "forbidden"
    other = release(world, "3")
    pass_run(world, other)
    del world.used_by_replica_sets[:]
    world.primary_rolls_out()
    world.settle(other)
    assert world.runs[other].status.phase is Phase.COMPLETED
    assert len(copies(world)) == 2


# before anything is tested


def stalled(world: World) -> tuple[str, str]:
    world.step_gate()
    assert world.gate is not None
    (condition,) = [each for each in world.gate.status.conditions if each.type == "Stalled"]
    assert condition.status is ConditionStatus.TRUE
    return condition.reason, condition.message


def test_a_missing_primary_stalls_the_gate_and_a_run_says_so() -> None:
    world = world_of()
    found, world.primary = world.primary, None
    reason, message = stalled(world)
    assert reason == "PrimaryNotFound"
    assert message == f"Deployment {PRIMARY} does not exist in {NAMESPACE}; create it or mend promoteTo"
    world.roll_out(template("2"))
    assert not world.runs
    world.create_run("by-hand")
    world.settle("by-hand")
    status = world.runs["by-hand"].status
    assert (status.verdict, status.reason) == (Verdict.ERROR, "PrimaryNotFound")
    world.primary = found
    world.adopt()
    pass_run(world, world.active_run())
    assert image(world) == "front-end:2"


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ({"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}, "would not take"),
        ({"matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["a"]}]}, "has no matchLabels"),
        ({"matchLabels": {"app": "front-end", "role": "x"}}, "the target's own selector would take the pods"),
    ],
)  # fmt: skip
def test_a_primary_whose_pods_could_not_be_told_apart_stalls_the_gate(
    selector: dict[str, Any], says: str
) -> None:
    world = world_of()
    assert world.primary is not None
    world.primary = replace(world.primary, selector=selector)
    reason, message = stalled(world)
    assert reason == "PrimaryUnfit"
    assert says in message


def other_gate(name: str, made: str, **spec: Any) -> Any:
    other = copy.deepcopy(gate(**spec).to_json())
    other["metadata"] |= {"name": name, "uid": f"g-{name}", "creationTimestamp": made}
    return gate().from_json(other)


def test_two_gates_do_not_promote_to_one_primary_the_older_goes_on() -> None:
    world = world_of()
    assert world.gate is not None
    made = {"creationTimestamp": "2026-11-01T10:00:00Z"}
    world.gate = gate().from_json({**world.gate.to_json(), "metadata": world.gate.metadata.to_json() | made})
    world.other_gates = [other_gate("younger", "2026-11-01T11:00:00Z", promoteTo=PRIMARY)]
    world.step_gate()
    assert world.gate.status.conditions[2].status is ConditionStatus.FALSE
    world.other_gates = [other_gate("older", "2026-11-01T09:00:00Z", promoteTo=PRIMARY)]
    assert stalled(world) == (
        "PrimaryTaken",
        f"PerfGate older promotes to Deployment {PRIMARY} already; change one of the two gates",
    )


def test_a_primary_that_another_gate_guards_stalls_the_gate_that_promotes_to_it() -> None:
    world = world_of()
    world.other_gates = [other_gate("guard", "2026-11-01T11:00:00Z", targetRef={"name": PRIMARY})]
    reason, message = stalled(world)
    assert reason == "PrimaryTaken"
    assert f"PerfGate guard guards Deployment {PRIMARY}" in message


# crashes


def outcome(world: World) -> tuple[object, ...]:
    runs = tuple((n, r.status.phase, r.status.verdict, r.status.reason) for n, r in world.runs.items())
    actions = [(action_of(world, name).type, action_of(world, name).message) for name in world.runs]
    good = tuple(sorted(s.name for s in world.snapshots.values() if s.known_good))
    created = sorted(world.created)
    return runs, actions, good, world.patches, created, sorted(world.config_maps), image(world)


def play(crash_at: int) -> tuple[World, int]:
    """One release from rollout to its end, the operator killed after status write number `crash_at`."""
    world = world_of()
    world.config_maps["settings"] = settings("of 2")
    world.roll_out(template("2"))
    writes = 0
    for _ in range(60):
        world.wait(0.5)
        writes += world.step_gate(crash=writes == crash_at)
        if world.gate is None or world.gate.status.run is None or not world.runs:
            continue
        name = world.active_run()
        status = world.runs[name].status
        if status.phase is Phase.STARTING and name in world.jobs:
            world.prepare(name)
        if status.phase is Phase.RUNNING and name in world.jobs:
            world.wait(75)
            world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
        if world.told(name)[-1:] == ["PrimaryPatched"]:
            world.primary_rolls_out()
            del world.used_by_replica_sets[:]
        writes += world.step_run(name, crash=writes == crash_at)
    return world, writes


def test_killed_between_any_status_write_and_its_effects_the_outcome_is_the_same() -> None:
    undisturbed, writes = play(-1)
    assert undisturbed.runs[undisturbed.active_run()].status.phase is Phase.COMPLETED
    assert len(undisturbed.patches) == 1
    assert writes > 10
    for crash_at in range(writes):
        disturbed, _ = play(crash_at)
        assert outcome(disturbed) == outcome(undisturbed), f"killed after write {crash_at}"


def test_killed_between_the_copies_and_the_patch_it_makes_neither_twice(released: tuple[World, str]) -> None:
    world, name = released
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.until(name, Phase.ACTING)
    world.step_run(name)
    (effect,) = world.decide_run(name).effects
    assert isinstance(effect, Promote)
    for manifest in effect.copies:
        world.config_maps[manifest["metadata"]["name"]] = dict(manifest)
    world.settle(name)
    assert world.told(name)[-1] == "PrimaryPatched"
    assert len(copies(world)) == 1
    assert len(world.patches) == 1
    assert config_read(world) == "of 2"


def test_an_override_leaves_the_primary_alone_and_says_so(released: tuple[World, str]) -> None:
    world, _ = released
    target = world.target()
    assert target is not None
    assert world.primary is not None
    before = world.primary.template
    world.edit_gate(
        override={"revision": target.revision, "reason": "sale", "expires": "2099-01-01T00:00:00Z"}
    )
    world.adopt()
    assert world.gate is not None
    assert world.gate.status.known_good == target.revision
    assert world.primary.template == before
    passed = next(each for each in world.gate.status.conditions if each.type == "Passed")
    assert passed.message.endswith(f"sale (Deployment {PRIMARY} is left as it is)")
