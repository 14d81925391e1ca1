"""What a gate would catch, tried on its own past runs by the code that judges live ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from random import Random
from statistics import median
from typing import Final

from devperfops_operator.analysis.proportion import clustered_interval
from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.domain.judgement import holds
from devperfops_operator.domain.objectives import Polled, Relative, RunPlan
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.evidence.injection import Injection, PastRun, injected, past_run
from devperfops_operator.evidence.replay import replay

RUNS: Final = 200  # injected ones


@dataclass(frozen=True, slots=True)
class Tried:
    """One injected run. `second`: of the judged load, when it failed. `by`: the claim that failed first."""

    verdict: Verdict
    second: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Trials:
    """`runs`: at least one. They begin with the past runs in turn, of which there are `past`."""

    injection: Injection
    runs: Sequence[Tried]
    past: int

    def share(self, verdict: Verdict) -> float:
        return sum(run.verdict is verdict for run in self.runs) / len(self.runs)

    def between(self, verdict: Verdict) -> tuple[float, float]:
        """95 % interval of that share, as far as so many past runs tell it."""
        hits = [run.verdict is verdict for run in self.runs]
        return clustered_interval([hits[first :: self.past] for first in range(self.past)])

    @property
    def caught_after(self) -> timedelta | None:
        """Judged load, in the middle of those that failed."""
        seconds = [run.second for run in self.runs if run.second is not None]
        return timedelta(seconds=round(median(seconds))) if seconds else None

    @property
    def caught_by(self) -> str | None:
        """What failed first, most often."""
        claims = Counter(run.by for run in self.runs if run.by is not None)
        return claims.most_common(1)[0][0] if claims else None


def provable(plan: RunPlan) -> RunPlan:
    """The same plan with those objectives that runs keep, and to its planned end."""
    return replace(
        plan,
        duration=plan.planned or plan.duration,
        planned=None,
        objectives=tuple(o for o in plan.objectives if not isinstance(o.counted, Relative | Polled)),
    )


def prove(records: Sequence[RunRecord], plan: RunPlan, injection: Injection, *, seed: int = 1) -> Trials:
    """`plan`: a provable one. Nothing is wrong with the load: that is not what is proven.

    Raises ValueError if no record has a judged sample.
    """
    past = [run for record in records if (run := past_run(record, plan, injection))]
    if not past:
        raise ValueError("no record has a judged sample")
    rng = Random(seed)  # noqa: S311  nothing is secret
    return Trials(injection, [_try(past, number, plan, rng) for number in range(RUNS)], len(past))


def _try(past: Sequence[PastRun], number: int, plan: RunPlan, rng: Random) -> Tried:
    """Past runs in turn; where one is too short, any others go on."""
    others = (rng.choice(past) for _ in count())
    seconds = round(plan.judged.total_seconds())
    return tried(injected(chain([past[number % len(past)]], others), seconds, rng), plan)


def tried(record: RunRecord, plan: RunPlan) -> Tried:
    """The verdict on a record whose seconds begin at 0."""
    replayed = replay(record, plan)
    critical = [(objective, replayed[objective.name]) for objective in plan.critical_objectives]
    failures = [(each.failed_at, o.claim) for o, each in critical if each.failed_at is not None]
    if failures:
        second, claim = min(failures)
        return Tried(Verdict.FAIL, second + 1, claim)
    passed = all(holds(objective, each.evidence) for objective, each in critical)
    return Tried(Verdict.PASS if passed else Verdict.INCONCLUSIVE)
