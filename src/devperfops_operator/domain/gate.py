"""A gate's next step: adopt what runs, start a run for a new revision, tell how things stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.override import Override, OverrideStatus
from devperfops_operator.api.perfgate import (
    MAX_CONFIGS,
    ConfigStatus,
    CurrentRun,
    Initial,
    PerfGateStatus,
    TargetStatus,
)
from devperfops_operator.api.perfrun import ActionType, PerfRun, Phase, Verdict
from devperfops_operator.domain.conditions import Told, set_conditions
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.effects import CreateObject, Effect, GateDecision, Manifest
from devperfops_operator.domain.errors import SnapshotTooLarge
from devperfops_operator.domain.history import surplus
from devperfops_operator.domain.inputs import seen_by_gate
from devperfops_operator.domain.loading import Loading, loading
from devperfops_operator.domain.manifests.run import run_manifest
from devperfops_operator.domain.manifests.snapshot import adopted_snapshot, overriding_snapshot
from devperfops_operator.domain.observed import GateObserved, Problem, SLAStanding, Snapshot, Target
from devperfops_operator.domain.override import override_of, sentence
from devperfops_operator.domain.primary import primary_status
from devperfops_operator.domain.returning import Rejection, rejection
from devperfops_operator.domain.run import known_good
from devperfops_operator.domain.verdict import Reason

_LOOK_AGAIN = timedelta(seconds=2)
_RETRY_STALLED = timedelta(seconds=10)
_RETRY_REFUSED = timedelta(seconds=30)


def decide_gate(observed: GateObserved, now: datetime) -> GateDecision:
    """Level-based: what to do follows from what is, never from which event came."""
    if observed.gate.metadata.deletion_timestamp is not None:
        return GateDecision(observed.gate.status)  # what it makes now would only hold up its end
    decision = _guard(observed, now)
    return replace(decision, effects=(*decision.effects, *surplus(observed, now)))


def _guard(observed: GateObserved, now: datetime) -> GateDecision:
    gate, target = observed.gate, observed.target
    if target is None:
        name = gate.spec.target_ref.name
        message = (
            f"Deployment {name} does not exist in {gate.metadata.namespace}; create it or mend targetRef"
        )
        return _stalled(observed, Problem("TargetNotFound", message), now)
    if observed.inputs.problem is not None:
        return _stalled(observed, observed.inputs.problem, now)
    load = loading(target, now)
    if load is not None:
        return GateDecision(_status(observed, _standing_of_loading(load), now), requeue_at=load.until)
    return _held_back(observed, _decide(observed, target, now), now)


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the gate stands, for its conditions."""

    reason: str
    message: str
    passed: ConditionStatus = ConditionStatus.UNKNOWN
    stalled: bool = False
    working: bool = False


def _stalled(observed: GateObserved, problem: Problem, now: datetime) -> GateDecision:
    standing = _Standing(problem.reason, problem.message, stalled=True)
    return GateDecision(_status(observed, standing, now), requeue_at=now + _RETRY_STALLED)


def _held_back(observed: GateObserved, decision: GateDecision, now: datetime) -> GateDecision:
    """An effect that is refused stalls the gate, in the refuser's words, and is tried again now and then."""
    for effect in decision.effects:
        failure = observed.failures.get(effect.key)
        if failure is None or not failure.refused:
            continue
        standing = _Standing(f"{effect.key}Refused", failure.message, stalled=True)
        again = failure.last + _RETRY_REFUSED
        effects = decision.effects if now >= again else ()
        status = _status(observed, standing, now).model_copy(update={"run": decision.status.run})
        return GateDecision(status, effects, requeue_at=max(again, now + _LOOK_AGAIN))
    return decision


def _decide(observed: GateObserved, target: Target, now: datetime) -> GateDecision:
    good, current = known_good(observed.snapshots), observed.gate.status.run
    run = _named(observed.runs, current)
    if good is not None and good.revision == target.revision:
        return GateDecision(_status(observed, _standing_of_known_good(good, run), now))
    override = override_of(observed.gate, target.revision, now)
    if override is not None:
        return _let_stand(observed, target, override, now)
    if good is None and current is None and observed.gate.spec.initial is Initial.ADOPT:
        return _adopt(observed, target, now)
    claimed = current if current is not None and current.revision == target.revision else None
    if claimed is not None and run is not None and not _wants_another_attempt(observed, run, claimed):
        return GateDecision(_status(observed, _standing_of(run), now))
    resting = _resting(observed, target)
    if resting is not None:
        return GateDecision(_status(observed, resting, now))
    return _begin(observed, target, claimed if run is None else None, now)


def _begin(observed: GateObserved, target: Target, unborn: CurrentRun | None, now: datetime) -> GateDecision:
    """A run for what stands, unless it has failed and was turned away already.

    `unborn`: claimed before. One that was to turn the revision away may have lost its reason since.
    """
    if unborn is not None and unborn.rejected is None:
        return _start(observed, target, unborn, now)
    against = rejection(observed.runs, target.revision, criteria_hash(observed.gate.spec))
    if against is not None and against.turned_away:
        return GateDecision(_status(observed, _standing_of_rejected(observed, against), now))
    attempt = _next_attempt(observed, target, None if against is None else against.because)
    return _start(observed, target, attempt, now)


def _standing_of_loading(load: Loading) -> _Standing:
    """Pods that have the old content are no test of the new one, nor of a known-good one."""
    if load.stuck:
        return _Standing("ConfigNotLoaded", load.message, stalled=True)
    return _Standing("ConfigChanged", load.message, working=True)


def _resting(observed: GateObserved, target: Target) -> _Standing | None:
    """Why no run begins by itself; None: one does."""
    spec = observed.gate.spec
    if spec.suspend:
        message = f"revision {target.revision} is not judged now: spec.suspend is true"
        return _Standing("Suspended", message)
    if not spec.triggers.rollout:
        message = f"revision {target.revision} is not judged: spec.triggers.rollout is false"
        return _Standing("NotJudged", message)
    return None


def _adopt(observed: GateObserved, target: Target, now: datetime) -> GateDecision:
    """A new gate takes what runs as known-good, once it does run."""
    if not target.rollout.complete:
        message = f"waits to adopt revision {target.revision}: {target.rollout.message}"
        standing = _Standing("AwaitingRollout", message, working=True)
        return GateDecision(_status(observed, standing, now))
    standing = _Standing("Adopting", f"adopts revision {target.revision} as known-good", working=True)
    return _keep(observed, standing, lambda: adopted_snapshot(observed.gate, target), now)


def _let_stand(observed: GateObserved, target: Target, override: Override, now: datetime) -> GateDecision:
    """It becomes known-good without a Pass; who said so and why is kept with it."""
    said, primary = sentence(override), observed.gate.spec.promote_to
    if primary is not None:
        said += f" (Deployment {primary} is left as it is)"
    number = 1 + max((snapshot.number for snapshot in observed.snapshots), default=0)
    standing = _Standing("Overriding", f"revision {target.revision} is {said}", working=True)
    decision = _keep(
        observed, standing, lambda: overriding_snapshot(observed.gate, target, number, said), now
    )
    honoured = OverrideStatus(**override.model_dump(), honoured_at=now)
    known = decision.status.override
    if known is None or known.model_copy(update={"honoured_at": now}) != honoured:
        return replace(decision, status=decision.status.model_copy(update={"override": honoured}))
    return decision


def _keep(
    observed: GateObserved, standing: _Standing, snapshot: Callable[[], Manifest], now: datetime
) -> GateDecision:
    """A snapshot that is known-good from the beginning."""
    try:
        create = CreateObject(snapshot())
    except SnapshotTooLarge as error:
        too_large = _Standing("SnapshotTooLarge", str(error), stalled=True)
        return GateDecision(_status(observed, too_large, now))
    return GateDecision(_status(observed, standing, now), (create,), requeue_at=now + _LOOK_AGAIN)


def _start(observed: GateObserved, target: Target, current: CurrentRun, now: datetime) -> GateDecision:
    """The status names the run before it exists, so that nobody else's run can pass for ours."""
    standing = _Standing(
        "Testing", f"revision {target.revision} is to be judged by {current.name}", working=True
    )
    status = _status(observed, standing, now).model_copy(update={"run": current})
    manifest = run_manifest(observed.gate, current.name, f"rollout of revision {target.revision}")
    effects: tuple[Effect, ...] = (CreateObject(manifest),)
    return GateDecision(status, effects, requeue_at=now + _LOOK_AGAIN)


def _next_attempt(observed: GateObserved, target: Target, failed: str | None) -> CurrentRun:
    """`failed`: why the revision, which came back, need not be tested."""
    stem = f"{observed.gate.metadata.name}-{target.revision[:8]}-"
    before = [
        run.metadata.name.removeprefix(stem) for run in observed.runs if run.metadata.name.startswith(stem)
    ]
    attempt = 1 + max((int(number) for number in before if number.isdecimal()), default=0)
    return CurrentRun(
        name=f"{stem}{attempt}",
        revision=target.revision,
        criteria_hash=criteria_hash(observed.gate.spec),
        rejected=None if failed is None else f"came back as it was, so it is not tested again: {failed}",
    )


def _standing_of_rejected(observed: GateObserved, against: Rejection) -> _Standing:
    """Whoever applies it once more is not fought with."""
    message = (
        f"{against.because}; it was turned away and came back once more, so it is left alone: apply another "
        f"revision, or test it with `devperfops run {observed.gate.metadata.name}`, where a Pass lets it in"
    )
    return _Standing(Reason.REVISION_REJECTED, message, passed=ConditionStatus.FALSE, stalled=True)


def _named(runs: Iterable[PerfRun], current: CurrentRun | None) -> PerfRun | None:
    return next((run for run in runs if current is not None and run.metadata.name == current.name), None)


def _wants_another_attempt(observed: GateObserved, run: PerfRun, current: CurrentRun) -> bool:
    """A verdict holds for one (revision, criteria).

    A superseded run has none. A revision that was rolled back and stands there again was applied again: it
    gets a run of its own, which turns it away.
    What was missing in a run is there by now, or the gate would be stalled, if it can see that.
    """
    status = run.status
    if not status.phase.terminal:
        return False
    judged_by = status.criteria_hash or current.criteria_hash
    edited = judged_by not in {None, criteria_hash(observed.gate.spec)}
    mended = seen_by_gate(status.reason, observed.gate.spec)
    return status.phase is Phase.SUPERSEDED or edited or mended or _rolled_back(run)


def _rolled_back(run: PerfRun) -> bool:
    return run.status.action is not None and run.status.action.type is ActionType.ROLLBACK


def _standing_of_known_good(good: Snapshot, run: PerfRun | None) -> _Standing:
    message = f"revision {good.revision} is known-good"
    if good.override is not None:
        return _Standing("Overridden", f"{message}, {good.override}", passed=ConditionStatus.TRUE)
    told = None if run is None else _standing_told_by(run, good)
    return told or _Standing("KnownGood", message, passed=ConditionStatus.TRUE)


def _standing_told_by(run: PerfRun, good: Snapshot) -> _Standing | None:
    """What the gate's run says about the known-good revision; None: nothing."""
    status, action = run.status, run.status.action
    if status.revision == good.revision and status.verdict is Verdict.PASS:
        return _standing_of(run)
    if not status.phase.terminal or action is None:
        return None
    if status.revision == good.revision and action.type is ActionType.PROMOTE:
        return _Standing("PromotedUnproven", action.message, passed=ConditionStatus.TRUE)
    if _rolled_back(run) and status.revision != good.revision:  # else a run by hand has passed since
        how = "failed" if status.verdict is Verdict.FAIL else "was not proven good"
        message = f"revision {good.revision} is known-good; revision {status.revision} {how}"
        message += f" and was rolled back: {status.message}"
        return _Standing("RolledBack", message, passed=ConditionStatus.TRUE)
    return None


def _standing_of(run: PerfRun) -> _Standing:
    status, name = run.status, run.metadata.name
    if status.phase is Phase.CANCELLED:
        return _Standing("Cancelled", f"{name} was cancelled; `devperfops run` tests again")
    if not status.phase.terminal or status.verdict is None:
        judged = f"revision {status.revision}" if status.revision else "what stands"
        return _Standing("Testing", f"{name} judges {judged}: {status.phase}", working=True)
    passed = ConditionStatus.TRUE if status.verdict is Verdict.PASS else ConditionStatus.FALSE
    action = status.action
    if action is not None and action.type is ActionType.HOLD and action.primary is not None:
        message = f"revision {status.revision} was not promoted: {action.message}"
        return _Standing(
            action.reason, f"{message}; once mended, delete {name} to test it again", passed, stalled=True
        )
    said = status.message or status.reason or ""
    return _Standing(status.reason or status.verdict.value, said, passed=passed)


def _status(observed: GateObserved, standing: _Standing, now: datetime) -> PerfGateStatus:
    before, target = observed.gate.status, observed.target
    good = known_good(observed.snapshots)
    finished = [run for run in observed.runs if run.status.completed_at is not None]
    last = max(finished, key=lambda run: run.status.completed_at or now, default=None)
    return before.model_copy(
        update={
            "observed_generation": observed.gate.metadata.generation,
            "conditions": set_conditions(
                before.conditions,
                _conditions(observed, standing),
                observed.gate.metadata.generation,
                now,
            ),
            "target": None if target is None else _target_status(target),
            "known_good": None if good is None else good.revision,
            "last_verdict": None if last is None else (last.status.verdict or last.status.phase).value,
            "last_run_at": None if last is None else last.status.completed_at,
            "primary": primary_status(before.primary, observed.primary, observed.runs),
        }
    )


def _target_status(target: Target) -> TargetStatus:
    return TargetStatus(
        uid=target.uid,
        generation=target.generation,
        revision=target.revision,
        template_hash=target.template_hash,
        git_owner=target.git_owner,
        template_identity=target.template_identity,
        configs=tuple(
            ConfigStatus(name=config.name, digest=config.digest, changed_at=config.changed_at)
            for config in target.configs[:MAX_CONFIGS]
        ),
    )


def _conditions(observed: GateObserved, standing: _Standing) -> list[Told]:
    truths = {
        ConditionType.READY: not standing.stalled and not standing.working,
        ConditionType.RECONCILING: standing.working,
        ConditionType.STALLED: standing.stalled,
    }
    as_status = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE}
    wanted = {kind: as_status[truth] for kind, truth in truths.items()}
    told = [
        (kind, status, standing.reason, standing.message)
        for kind, status in {**wanted, ConditionType.PASSED: standing.passed}.items()
    ]
    if observed.inputs.sla is not None:
        told.append((ConditionType.WITHIN_SLA, *_within_sla(observed.inputs.sla)))
    return [(kind, status, reason, message[:2048]) for kind, status, reason, message in told]


def _within_sla(standing: SLAStanding) -> tuple[ConditionStatus, str, str]:
    match standing.kept:
        case None:
            return ConditionStatus.UNKNOWN, Reason.SLA_UNKNOWN.value, standing.message
        case True:
            return ConditionStatus.TRUE, "NothingContradicted", standing.message
        case False:
            return ConditionStatus.FALSE, Reason.SLA_CONTRADICTED.value, standing.message
