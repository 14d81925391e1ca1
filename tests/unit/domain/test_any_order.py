"""Whatever people, faults and time do in any order: what the operator may never do, it does not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from devperfops_operator.api.base import ConditionType
from devperfops_operator.api.perfgate import Mode, OnFail, PerfGateStatus
from devperfops_operator.api.perfrun import MAX_TIMELINE, PerfRun, PerfRunStatus, Phase, Trigger, Verdict
from devperfops_operator.domain.effects import (
    CreateObject,
    DeleteObject,
    Effect,
    GateDecision,
    Notify,
    Promote,
    RollBack,
    RunDecision,
)
from devperfops_operator.domain.loading import loading
from devperfops_operator.domain.manifests.data_job import data_job_name
from devperfops_operator.domain.manifests.event import run_events
from devperfops_operator.domain.manifests.template import RESTARTED_AT, template_hash
from devperfops_operator.domain.observed import Delivery, Primary, Problem, Rollout, Snapshot
from devperfops_operator.domain.override import override_of
from devperfops_operator.domain.run import known_good, owed, rollback_under_way, snapshot_to_put_back
from devperfops_operator.domain.run.steps import Step
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.test_promoting import PRIMARY, template
from tests.unit.domain.test_promoting import settings as config
from tests.unit.domain.world import BAD, COMPLETE, GOOD, World, gate

UNDER_WAY = Rollout(complete=False, message="1 of 2 pods updated, 2 ready")
STALLED = replace(UNDER_WAY, problem=Problem("RolloutStalled", "the rollout makes no progress"))
SEEDS, STEPS = 24, 80
ALWAYS_TOLD = set(ConditionType) - {ConditionType.WITHIN_SLA}
LOADS = {Phase.PREPARING, Phase.RESETTING_DATA, Phase.STARTING, Phase.RUNNING, Phase.JUDGING}
BEFORE_LOAD = {
    Phase.PENDING, Phase.AWAITING_ROLLOUT, Phase.PREPARING, Phase.RESETTING_DATA, Phase.STARTING
}  # fmt: skip
KEPT = ("phase", "verdict", "reason", "message", "action", "completed_at", "timeline")
REASONS = {reason.value for reason in (*Reason, *Step)}
EFFECTS = (
    "CreatePerfRun", "CreateControllerRevision", "CreateJob", "RollBack", "RestoreOwnership", "Promote",
    "MarkKnownGood", "DeletePerfRun", "DeleteControllerRevision", "Notify/slack",
)  # fmt: skip


@dataclass
class WatchedWorld(World):
    """Looks at every decision before it is carried out."""

    loaded: set[str] = field(default_factory=set)  # uids of runs that got a Job
    resets: set[str] = field(default_factory=set)  # uids of runs that got a Job for their data
    reset: set[str] = field(default_factory=set)  # uids of runs whose data were reset
    proven: set[str] = field(default_factory=set)  # uids of runs whose load was good to its end
    rejectable: set[tuple[str, str | None]] = field(default_factory=set)  # (revision, criteria) that failed
    born: int = 0

    def step_gate(self, *, crash: bool = False) -> bool:
        decision = self.decide_gate()
        assert decision == self.decide_gate()
        assert self.gate is not None
        self._looked_at(decision, unchanged=decision.status == self.gate.status)
        for effect in decision.effects:
            self._check_gate_effect(effect)
        return super().step_gate(crash=crash)

    def step_run(self, name: str, *, crash: bool = False) -> bool:
        before, decision = self.runs[name], self.decide_run(name)
        assert decision == self.decide_run(name)
        self._looked_at(decision, unchanged=decision.status == before.status)
        self._check_transition(before, decision.status)
        for effect in decision.effects:
            self._check_run_effect(before.model_copy(update={"status": decision.status}), effect)
        changed = super().step_run(name, crash=crash)
        for effect in decision.effects:
            if isinstance(effect, Notify) and not crash:
                self._deliver(before.metadata.uid, effect)
        return changed

    def perform(self, effect: Effect) -> None:
        super().perform(effect)
        if effect.key not in self.refused:
            self.failures.pop(effect.key, None)

    def _deliver(self, uid: str, effect: Notify) -> None:
        sent = effect.key not in self.refused
        told = Delivery(effect.attempt, self.now, sent, "" if sent else "no answer")
        self.deliveries.setdefault(uid, {})[effect.receiver] = told

    def _looked_at(self, decision: GateDecision | RunDecision, *, unchanged: bool) -> None:
        if unchanged and decision.requeue_at is not None:
            assert decision.requeue_at > self.now, "it would be looked at again at once, and again"

    def _check_gate_effect(self, effect: Effect) -> None:
        assert self.gate is not None
        target = self.target()
        match effect:
            case CreateObject({"kind": "PerfRun"}):
                assert not self.gate.spec.suspend
                assert target is not None
                assert loading(target, self.now) is None
            case CreateObject({"kind": "ControllerRevision"} as manifest):
                assert target is not None
                assert loading(target, self.now) is None
                self._check_name(manifest)
            case DeleteObject("PerfRun"):
                run = self.runs[effect.name]
                assert run.status.phase.terminal
                assert not owed(run.status, self.now)
                assert self.gate.status.run is None or self.gate.status.run.name != effect.name
            case DeleteObject("ControllerRevision"):
                good = known_good(tuple(self.snapshots.values()))
                assert good is None or good.name != effect.name
                needed = {back_to and back_to.name for back_to in self._gone_back_to()}
                needed |= {run.status.snapshot for run in self.runs.values() if not run.status.phase.terminal}
                assert effect.name not in needed
            case _:
                raise AssertionError(effect)

    def _gone_back_to(self) -> Iterator[Snapshot | None]:
        snapshots = tuple(self.snapshots.values())
        for run in self.runs.values():
            if rollback_under_way(run):
                yield snapshot_to_put_back(snapshots, run.status.action)

    def _check_name(self, manifest: Any) -> None:
        there = self.snapshots.get(manifest["metadata"]["name"])
        assert (
            there is None or there.revision == manifest["metadata"]["annotations"]["devperfops.io/revision"]
        )

    def _check_transition(self, before: PerfRun, after: PerfRunStatus) -> None:
        was, uid = before.status, before.metadata.uid
        if was.phase.terminal:
            assert [getattr(was, name) for name in KEPT] == [getattr(after, name) for name in KEPT]
        if was.verdict is not None:
            assert (was.verdict, was.reason) == (after.verdict, after.reason)
        if was.verdict is None and after.verdict is Verdict.PASS:
            assert uid in self.proven
            assert after.load is not None
            assert after.load.ended_at is not None
        if after.phase in {Phase.SUPERSEDED, Phase.CANCELLED} and was.verdict is None:
            assert after.action is None
        if after.reason == Reason.REVISION_REJECTED:
            assert (after.revision, after.criteria_hash) in self.rejectable
            assert after.load is None
        elif after.verdict is Verdict.FAIL and after.trigger is Trigger.ROLLOUT:
            self.rejectable.add((after.revision or "", after.criteria_hash))

    def _check_run_effect(self, run: PerfRun, effect: Effect) -> None:
        status = run.status
        match effect:
            case RollBack() | Promote():
                assert self.gate is not None
                assert self.gate.spec.mode is Mode.ENFORCE
                assert status.trigger is Trigger.ROLLOUT
                assert status.verdict is not Verdict.ERROR
                if isinstance(effect, Promote):
                    assert status.verdict is not Verdict.FAIL
                    return
                assert status.verdict is not Verdict.PASS
                assert override_of(self.gate, status.revision, self.now) is None
                if status.verdict is Verdict.FAIL:
                    asked = self.gate.spec.actions.on_fail
                    assert asked is OnFail.ROLLBACK or (asked is None and self.git_owner is None)
            case CreateObject({"kind": "ControllerRevision"} as manifest):
                self._check_name(manifest)
            case _ if effect.key == "MarkKnownGood" and status.action is not None and status.action.primary:
                assert self.primary is not None
                assert self.primary.template_hash == status.action.primary.after
                assert self.primary.rollout.complete

    def _create(self, manifest: dict[str, Any]) -> None:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        new = name not in {"PerfRun": self.runs, "Job": self.jobs}.get(kind, {})
        super()._create(manifest)
        if new and kind == "PerfRun":
            self.born += 1
            metadata = self.runs[name].metadata.model_copy(update={"uid": f"{self.born:08}-{name}"})
            self.runs[name] = self.runs[name].model_copy(update={"metadata": metadata})
        if new and kind == "Job":
            uid = self.jobs[name].run_uid
            made = self.loaded if name in self.runs else self.resets
            assert uid not in made, "a second Job for the run"
            made.add(uid)
            resets = self.gate is not None and self.gate.spec.data is not None
            assert made is self.resets or uid in self.reset or not resets, "a load on other data"


class Life:
    """Things happen to a gate, drawn by a seed; `told` is what has happened so far."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.told: list[str] = []
        self.made = 0
        promotes = self.draw.random() < 0.5
        load = {**gate().to_json()["spec"]["load"], "workers": self.draw.choice([1, 3])}
        spec = {"load": load, "initial": self.draw.choice(["Adopt", "Adopt", "Test"]), "historyLimit": 2}
        if self.draw.random() < 0.5:
            spec["data"] = {"job": {"image": "shop-data:7"}}
        if promotes:
            spec["promoteTo"] = PRIMARY
        self.world = WatchedWorld(gate=gate(**spec), template=template("1"))
        self.world.receivers = ("slack",)
        self.world.config_maps["settings"] = config("one")
        if promotes:
            own = {"metadata": {"labels": {"app": PRIMARY}}, "spec": {"containers": []}}
            selector = {"matchLabels": {"app": PRIMARY}}
            self.world.primary = Primary(PRIMARY, "p-1", selector, own, template_hash(own), COMPLETE)

    def live(self, steps: int) -> None:
        happenings, weights = zip(*self._happenings(), strict=True)
        for happening in self.draw.choices(happenings, weights, k=steps):
            self.told.append(happening.__name__)
            happening()
            look_at(self.world)
        self.told.append("left alone")
        self._end()

    def _happenings(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self.operator_works, 25),
            (self.loads_go_well, 20),
            (self.loads_go_badly, 10),
            (self.loads_are_lost, 2),
            (self.pods_refuse, 1),
            (self.resets_go_well, 6),
            (self.resets_fail, 2),
            (self.killed_between_status_and_effects_of_the_gate, 3),
            (self.killed_between_status_and_effects_of_a_run, 5),
            (self.time_passes, 8),
            (self.release, 10),
            (self.configuration_changes, 2),
            (self.pods_are_restarted, 2),
            (self.rollout_changes, 2),
            (self.rollout_completes, 6),
            (self.primary_rolls_out, 6),
            (self.primary_stalls, 1),
            (self.somebody_changes_the_primary, 1),
            (self.edit, 5),
            (self.edit_what_is_judged, 1),
            (self.override, 3),
            (self.ask_for_a_run, 3),
            (self.cancel, 1),
            (self.delete_a_run, 2),
            (self.change_the_owner, 1),
            (self.refuse, 3),
            (self.refuse_nothing, 3),
        ]

    # the operator

    def operator_works(self) -> None:
        for _ in range(self.draw.randint(1, 6)):
            self._round()

    def _round(self) -> bool:
        changed = self.world.step_gate()
        for name in list(self.world.runs):
            if name in self.world.runs:
                changed = self.world.step_run(name) or changed
        return changed

    def killed_between_status_and_effects_of_the_gate(self) -> None:
        self.world.step_gate(crash=True)
        self.world.failures.clear()

    def killed_between_status_and_effects_of_a_run(self) -> None:
        if (name := self._a_run()) is not None:
            self.world.step_run(name, crash=True)
            self.world.failures.clear()

    def time_passes(self) -> None:
        self.world.wait(self.draw.choice([1, 4, 12, 75, 200, 700, 4000, 90_000]))

    # people

    def release(self) -> None:
        self.world.roll_out(template(self.draw.choice("123")))

    def configuration_changes(self) -> None:
        self.world.config_maps["settings"] = config(self.draw.choice(["one", "two"]))
        if self.draw.random() < 0.5:
            self.world.loading["settings"] = (self.world.now, ("envFrom",), None)

    def pods_are_restarted(self) -> None:
        self.world.loading.clear()
        metadata = {"annotations": {RESTARTED_AT: self.world.now.isoformat()}}
        template = self.world.template
        self.world.roll_out({**template, "metadata": {**template["metadata"], **metadata}})

    def rollout_changes(self) -> None:
        self.world.rollout = self.draw.choice([UNDER_WAY, STALLED])

    def rollout_completes(self) -> None:
        self.world.rollout = COMPLETE
        self.world.loading.clear()

    def edit(self) -> None:
        actions = {
            "onPass": self.draw.choice(["Promote", "Promote", "Hold"]),
            "onFail": self.draw.choice(["Rollback", "Hold"]),
            "onInconclusive": self.draw.choice(["Hold", "Promote", "Rollback"]),
        }
        self.world.edit_gate(
            mode=self.draw.choice(["Enforce", "Enforce", "Observe"]),
            suspend=self.draw.random() < 0.2,
            actions={key: value for key, value in actions.items() if self.draw.random() < 0.5},
            historyLimit=self.draw.randint(1, 3),
        )

    def edit_what_is_judged(self) -> None:
        latency = {"expect": f"p99 < {self.draw.choice(['2s', '3s'])}"}
        self.world.edit_gate(objectives=[latency, {"expect": "errors < 0.5%"}])

    def override(self) -> None:
        target = self.world.target()
        assert target is not None
        until = (self.world.now + timedelta(minutes=self.draw.choice([1, 60]))).isoformat()
        self.world.edit_gate(override={"revision": target.revision, "reason": "sale", "expires": until})

    def ask_for_a_run(self) -> None:
        self.made += 1
        self.world.create_run(f"by-hand-{self.made}", uid=f"{self.made:08}-hand")

    def cancel(self) -> None:
        if (name := self._a_run()) is not None:
            run = self.world.runs[name]
            spec = run.spec.model_copy(update={"cancel": True})
            self.world.runs[name] = run.model_copy(update={"spec": spec})

    def delete_a_run(self) -> None:
        """Its Job may go later."""
        if (name := self._a_run()) is not None:
            del self.world.runs[name]
            self.world.evidence.pop(name, None)
            if self.draw.random() < 0.5:
                self.world.jobs.pop(name, None)

    def change_the_owner(self) -> None:
        self.world.git_owner = self.draw.choice([None, "Argo CD application shop"])

    def primary_rolls_out(self) -> None:
        if self.world.primary is not None:
            self.world.primary_rolls_out()

    def primary_stalls(self) -> None:
        if self.world.primary is not None:
            self.world.primary = replace(self.world.primary, rollout=STALLED)

    def somebody_changes_the_primary(self) -> None:
        if self.world.primary is not None:
            self.world.change_primary({"metadata": {"labels": {"app": PRIMARY}}, "spec": {"containers": []}})

    def refuse(self) -> None:
        self.world.refused[self.draw.choice(EFFECTS)] = "denied by policy"

    def refuse_nothing(self) -> None:
        self.world.refused.clear()

    # the load

    def loads_go_well(self) -> None:
        for name, run in self._loading():
            self.world.wait(71)
            self.world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
            self.world.proven.add(run.metadata.uid)

    def loads_go_badly(self) -> None:
        for name, _ in self._loading():
            self.world.load(name, BAD, BAD, failed=True)
            self.world.step_run(name)
            if name in self.world.runs and self.draw.random() < 0.7:
                self.world.load(name, BAD, BAD, failed=True, final=LoadEnd.STOPPED)

    def loads_are_lost(self) -> None:
        for name, _ in self._loading():
            self.world.jobs.pop(name, None)

    def pods_refuse(self) -> None:
        for name, run in self.world.runs.items():
            if run.status.phase is Phase.STARTING and name in self.world.jobs:
                refusal = Problem("SecretNotFound", "there is no such Secret")
                self.world.jobs[name] = replace(self.world.jobs[name], refusal=refusal)

    def resets_go_well(self) -> None:
        for name, run in self.world.runs.items():
            if self._end_reset(name, succeeded=True):
                self.world.reset.add(run.metadata.uid)

    def resets_fail(self) -> None:
        for name in self.world.runs:
            self._end_reset(name, succeeded=False)

    def _end_reset(self, name: str, *, succeeded: bool) -> bool:
        """Whether one of that run went on."""
        job = self.world.jobs.get(data_job_name(name))
        if job is None or job.finished or job.run_uid != self.world.runs[name].metadata.uid:
            return False
        problem = None if succeeded else "code 1"
        self.world.jobs[job.name] = replace(job, finished=True, succeeded=succeeded, problem=problem)
        return True

    def _loading(self) -> list[tuple[str, PerfRun]]:
        """Those under load; what could have started has."""
        for name in list(self.world.runs):
            self._start(name)
        return [(name, run) for name, run in self.world.runs.items() if run.status.phase is Phase.RUNNING]

    def _start(self, name: str) -> None:
        for _ in range(6):
            phase = self.world.runs[name].status.phase
            if phase is Phase.STARTING and name in self.world.jobs:
                self.world.prepare(name)
            if phase is Phase.RESETTING_DATA:
                self.resets_go_well()
            if phase not in BEFORE_LOAD:
                return
            self.world.step_run(name)

    def _a_run(self) -> str | None:
        return self.draw.choice(sorted(self.world.runs)) if self.world.runs else None

    # the end

    def _end(self) -> None:
        """Left alone, everything comes to rest."""
        self.refuse_nothing()
        self.world.failures.clear()
        self.rollout_completes()
        for _ in range(100):
            self.loads_go_well()
            self.primary_rolls_out()
            changed = self._round()
            look_at(self.world)
            if not changed and all(run.status.phase.terminal for run in self.world.runs.values()):
                return
            self.world.wait(20)
        raise AssertionError({name: run.status.phase.value for name, run in self.world.runs.items()})


def look_at(world: WatchedWorld) -> None:
    """What holds at any time."""
    assert sum(run.status.phase in LOADS for run in world.runs.values()) <= 1, "one load at a time"
    assert world.gate is not None
    status = world.gate.status
    assert PerfGateStatus.from_json(status.to_json()) == status
    assert not status.conditions or {c.type for c in status.conditions} == ALWAYS_TOLD
    for run in world.runs.values():
        _look_at_run(world, run)


def _look_at_run(world: WatchedWorld, run: PerfRun) -> None:
    status = run.status
    assert PerfRunStatus.from_json(status.to_json()) == status
    if status.snapshot and not status.phase.terminal:
        assert status.snapshot in world.snapshots
    assert len(status.timeline) <= MAX_TIMELINE
    assert {entry.reason for entry in status.timeline} <= REASONS
    assert status.reason is None or status.reason in REASONS
    assert [event["message"] for event in run_events(run)] == [entry.message for entry in status.timeline]
    if status.timeline:
        assert {condition.type for condition in status.conditions} == ALWAYS_TOLD


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_may_never_happen_does_not(seed: int) -> None:
    life = Life(seed)
    try:
        life.live(STEPS)
    except BaseException as error:
        error.add_note(f"after {life.told}")
        raise
