"""Promoting to a primary: its template, its rollout, and only then the mark of the known-good (ADR 11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.perfrun import (
    ActionType,
    PerfRun,
    PerfRunStatus,
    Phase,
    PromotionStatus,
    Verdict,
)
from devperfops_operator.api.quantity import format_duration
from devperfops_operator.domain.effects import DeleteConfigMap, Promote
from devperfops_operator.domain.manifests.config_copy import config_content, config_copy
from devperfops_operator.domain.manifests.primary import primary_template
from devperfops_operator.domain.manifests.template import (
    Template,
    revision_of,
    template_hash,
    without_restart,
)
from devperfops_operator.domain.observed import Primary, Problem, RunObserved
from devperfops_operator.domain.primary import unfit
from devperfops_operator.domain.verdict import Reason

_LOOK_AGAIN: Final = timedelta(seconds=2)
_LOOK_AGAIN_LATEST: Final = timedelta(seconds=30)
_PATIENCE: Final = timedelta(hours=1)
"""For a rollout that neither completes nor fails: until it ends, no other load may begin."""


@dataclass(frozen=True, slots=True)
class Wait:
    """For the primary's rollout."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """The primary runs the revision."""


Move = Promote | PromotionStatus | Wait | Reached | Problem
"""What is next: patch it, store how far it is, wait, go on, or give up."""


def about_to_promote(run: PerfRun) -> bool:
    """Whether what the judged template reads must be looked at: the primary may get copies of it next."""
    status, action = run.status, run.status.action
    if status.phase is not Phase.ACTING or status.verdict not in {Verdict.PASS, Verdict.INCONCLUSIVE}:
        return False
    if action is None:
        return True
    promotes = action.type is ActionType.PROMOTE and action.done_at is None
    return promotes and action.primary is not None and action.primary.patched_at is None


def has_promoted(run: PerfRun) -> bool:
    """Whether the primary has the template and what is left is to tidy up."""
    action = run.status.action
    if action is None or action.done_at is not None or action.primary is None:
        return False
    return action.type is ActionType.PROMOTE and action.primary.patched_at is not None


def promised(promotion: PromotionStatus, status: PerfRunStatus) -> str:
    """What people are told before the primary is patched."""
    return f"Deployment {promotion.name} gets revision {status.revision}"


def reached(promotion: PromotionStatus, status: PerfRunStatus) -> str:
    """And afterwards."""
    return f"Deployment {promotion.name} runs revision {status.revision}"


def plan_promotion(observed: RunObserved, name: str, template: Template) -> PromotionStatus | Problem:
    """From what to what the primary `name` changes; `template` is the one that was judged."""
    problem, primary = observed.inputs.problem, observed.primary
    if problem is not None:
        return problem
    if primary is None:
        return _gone(name)
    patch = _patch(observed, primary, template)
    if isinstance(patch, Problem):
        return patch
    return PromotionStatus(
        name=name, uid=primary.uid, before=primary.template_hash, after=template_hash(patch.replacement)
    )


def next_move(observed: RunObserved, promotion: PromotionStatus, template: Template, now: datetime) -> Move:
    """Level-based: the primary's template tells whether it was patched, also after a crash."""
    primary = observed.primary
    if primary is None or primary.uid != promotion.uid:
        return _gone(promotion.name)
    if primary.template_hash == promotion.after:
        if promotion.patched_at is None:
            return promotion.model_copy(update={"patched_at": now})
        return _rollout(primary, promotion.patched_at, now)
    if promotion.patched_at is not None or primary.template_hash != promotion.before:
        message = f"the template of Deployment {primary.name} was changed by somebody else meanwhile"
        return Problem("PrimaryChanged", message)
    return _patch(observed, primary, template)


def tidying(observed: RunObserved) -> tuple[DeleteConfigMap, ...]:
    """Copies nothing reads any more. If that is refused, the next promotion tries again."""
    namespace = observed.run.metadata.namespace
    drops = tuple(DeleteConfigMap(namespace, name) for name in observed.unused_copies)
    return () if any(drop.key in observed.failures for drop in drops) else drops


def _gone(name: str) -> Problem:
    return Problem(Reason.PRIMARY_NOT_FOUND, f"Deployment {name} was deleted")


def _patch(observed: RunObserved, primary: Primary, template: Template) -> Promote | Problem:
    """Nothing but what was judged: the same template, and ConfigMaps with the same content."""
    if observed.target is None:
        return Problem("TargetGone", "the target was deleted, so its labels cannot be told from others")
    found, revision = observed.config_maps, observed.run.status.revision
    if revision_of(template, {name: config_content(each) for name, each in found.items()}) != revision:
        read = ", ".join(sorted(found)) or "none is left"
        message = f"the ConfigMaps revision {revision} reads ({read}) are no longer as they were tested"
        return Problem("ConfigChanged", message)
    selector = observed.target.selector
    problem = unfit(template, selector, primary)
    if problem is not None:
        return problem
    copies = {name: config_copy(each, primary.name, primary.uid) for name, each in found.items()}
    names = {name: each["metadata"]["name"] for name, each in copies.items()}
    return Promote(
        namespace=observed.run.metadata.namespace,
        deployment=primary.name,
        copies=tuple(copies.values()),
        expected=primary.template,
        replacement=primary_template(without_restart(template), selector, primary.selector, names),
    )


def _rollout(primary: Primary, patched_at: datetime, now: datetime) -> Wait | Reached | Problem:
    rollout, waited = primary.rollout, now - patched_at
    if rollout.complete:
        return Reached()
    if rollout.problem is not None:
        return _stalled(primary, rollout.problem.message)
    if waited > _PATIENCE:
        return _stalled(primary, f"not complete after {format_duration(_PATIENCE)}: {rollout.message}")
    return Wait(now + min(max(_LOOK_AGAIN, waited / 10), _LOOK_AGAIN_LATEST))


def _stalled(primary: Primary, why: str) -> Problem:
    return Problem(
        "PrimaryStalled",
        f"Deployment {primary.name} does not get through its rollout: {why}; mend it, or go back with "
        f"`kubectl rollout undo deployment {primary.name}`",
    )
