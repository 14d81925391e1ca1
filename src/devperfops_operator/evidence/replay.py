"""A kept run's looks again, through the same counts and the same tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.analysis.looks import Look
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.domain.estimate import estimated_looks
from devperfops_operator.domain.objectives import JudgedObjective, OverThreshold, RunPlan
from devperfops_operator.domain.observed import ObjectiveEvidence
from devperfops_operator.domain.record import RunRecord, series_key
from devperfops_operator.evidence.followed import Followed
from devperfops_operator.evidence.worker import Count, merged
from devperfops_operator.wire.histogram import quantile


@dataclass(frozen=True, slots=True)
class Replayed:
    """`failed_at`: the second (Unix time) of the look at which it failed; None: it did not.

    `estimated`: from histograms, as nobody counted it then.
    """

    evidence: ObjectiveEvidence
    failed_at: int | None
    estimated: bool


def replay(record: RunRecord, plan: RunPlan) -> dict[str, Replayed]:
    """Each objective the record tells enough of, by its name."""
    replayed = {objective.name: _replay(record, plan, objective) for objective in plan.objectives}
    return {name: each for name, each in replayed.items() if each is not None}


def _replay(record: RunRecord, plan: RunPlan, objective: JudgedObjective) -> Replayed | None:
    if not isinstance(objective.test, ShareTest):
        return None
    key = series_key(objective.counted, plan.thresholds)
    series = record.series.get(key)
    looks = estimated_looks(record, objective.counted, plan.thresholds) if series is None else series.looks()
    if looks is None:
        return None
    followed = Followed(objective.test, plan.patience, record.past.get(key, PastEffect()))
    counts, failed_at = _count(looks, followed, apart=record.apart)
    return Replayed(
        evidence=replace(
            followed.evidence(merged(counts, apart=record.apart)), quantile_ms=_quantile(record, objective)
        ),
        failed_at=failed_at,
        estimated=series is None,
    )


def _count(looks: Iterable[Look], followed: Followed, *, apart: bool) -> tuple[list[Count], int | None]:
    counts: defaultdict[int, Count] = defaultdict(Count)
    failed_at = None
    for look in looks:
        counts[look.worker].add(look.second, look.samples, look.exceedances)
        followed.add(look.second, look.samples, look.exceedances)
        if failed_at is None and followed.look(merged(list(counts.values()), apart=apart)):
            failed_at = look.second
    return list(counts.values()), failed_at


def _quantile(record: RunRecord, objective: JudgedObjective) -> float | None:
    counted = objective.counted
    if not isinstance(counted, OverThreshold):
        return None
    return quantile(record.profile.histogram(counted.transaction), counted.quantile)
