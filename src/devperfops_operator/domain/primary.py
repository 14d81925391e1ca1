"""The Deployment a gate promotes to: whether it may be, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.api.perfgate import PerfGate, PrimaryStatus
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.manifests.primary import Selector, primary_labels, selects
from devperfops_operator.domain.manifests.template import Template
from devperfops_operator.domain.observed import Primary, Problem, Target
from devperfops_operator.domain.verdict import Reason

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def primary_problem(
    gate: PerfGate, target: Target, primary: Primary | None, concerned: Iterable[PerfGate]
) -> Problem | None:
    """What keeps the gate from promoting. `concerned`: the gates that guard or promote to its primary."""
    name = gate.spec.promote_to
    if name is None:
        return None
    if primary is None:
        message = (
            f"Deployment {name} does not exist in {gate.metadata.namespace}; create it or mend promoteTo"
        )
        return Problem(Reason.PRIMARY_NOT_FOUND, message)
    return _taken(gate, name, concerned) or unfit(target.template, target.selector, primary)


def unfit(template: Template, target: Selector, primary: Primary) -> Problem | None:
    """Whether pods of `template` cannot be the primary's alone."""
    name, labels = primary.name, primary_labels(template, target, primary.selector)
    if not primary.selector.get("matchLabels"):
        message = (
            f"the selector of Deployment {name} has no matchLabels by which to know its pods; make it anew"
        )
    elif not selects(primary.selector, labels):
        message = (
            f"the selector of Deployment {name} would not take the target's pods, whose labels would be "
            f"{_listed(labels)}; make it anew with matchLabels alone"
        )
    elif selects(target, labels):
        message = (
            f"the target's own selector would take the pods of Deployment {name} ({_listed(labels)}); "
            "make it anew with another value of a label in the target's selector"
        )
    else:
        return None
    return Problem(Reason.PRIMARY_UNFIT, message)


def primary_status(
    before: PrimaryStatus | None, primary: Primary | None, runs: Iterable[PerfRun]
) -> PrimaryStatus | None:
    """What the primary runs, known by its template: a run put it there, now or before it was deleted."""
    if primary is None:
        return None
    known = {} if before is None else {before.template_hash: before.revision}
    known |= {
        run.status.action.primary.after: run.status.action.to_revision
        for run in runs
        if run.status.action is not None
        and run.status.action.primary is not None
        and run.status.action.primary.patched_at is not None
    }
    return PrimaryStatus(
        name=primary.name,
        template_hash=primary.template_hash,
        revision=known.get(primary.template_hash),
        message=primary.rollout.message,
    )


def _taken(gate: PerfGate, name: str, concerned: Iterable[PerfGate]) -> Problem | None:
    for other in concerned:
        if other.metadata.uid == gate.metadata.uid:
            continue
        if other.spec.target_ref.name == name:
            what = f"guards Deployment {name}, so each would judge or undo what the other does"
        elif other.spec.promote_to == name and _age(other) < _age(gate):
            what = f"promotes to Deployment {name} already"
        else:
            continue
        return Problem(
            Reason.PRIMARY_TAKEN, f"PerfGate {other.metadata.name} {what}; change one of the two gates"
        )
    return None


def _age(gate: PerfGate) -> tuple[datetime, str]:
    return gate.metadata.creation_timestamp or _BEGINNING, gate.metadata.name


def _listed(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
