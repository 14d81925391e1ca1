"""Whether what `devperfops prove` foretells from past runs happens: the same services with the fault in.

The gate has p99 at half its allowance and errors at a fifth of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import sqrt
from statistics import NormalDist, fmean
from typing import Final

import numpy as np

from benchmarks.detection.cases import PLANNED
from benchmarks.detection.play import spread
from benchmarks.detection.simulator import REGIMES, Generator, Service, Stream
from benchmarks.figures import Row
from devperfops_operator.analysis.looks import Series
from devperfops_operator.analysis.profile import Profile
from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.domain.objectives import FailedSamples, RunPlan
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.record import RunRecord, series_key
from devperfops_operator.evidence.injection import Injection
from devperfops_operator.evidence.proof import RUNS, Trials, Tried, prove, tried
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.measurement import Block, LabelStats

PAST: Final = 20  # runs, the default of `historyLimit`
_BAR: Final = 0.05
_ERRORS: Final = 0.001  # of the unchanged service
FAULTS: Final[Mapping[str, Injection]] = {
    "nothing": Injection(),
    **{f"delay {share} %": Injection(delay=Fraction(share, 100)) for share in (20, 50, 100)},
    **{f"errors {share} %": Injection(errors=Fraction(share, 100)) for share in (1, 2)},
}


@dataclass(frozen=True)
class Foretold:
    """`expected` from past runs, and what was `seen` in as many new ones."""

    regime: str
    fault: str
    expected: Trials
    seen: Trials

    @property
    def miss(self) -> float:
        """By how much the shares of Fail differ; of Pass, where nothing was put in."""
        return abs(self.expected.share(self.told) - self.seen.share(self.told))

    @property
    def chance(self) -> float:
        """That the shares differ by more than the bar, if both are drawn from what they are together."""
        share = (self.expected.share(self.told) + self.seen.share(self.told)) / 2
        deviation = sqrt(2 * share * (1 - share) / RUNS)
        return 2 * NormalDist().cdf(-_BAR / deviation) if deviation else 0.0

    @property
    def told(self) -> Verdict:
        return Verdict.PASS if self.fault == "nothing" else Verdict.FAIL


def measure(seed: int) -> list[Row]:
    played = [one for each in spread(partial(_play, seed=seed), list(enumerate(REGIMES))) for one in each]
    print(f"\n### {PAST} past runs; {RUNS} runs foretold and {RUNS} played\n")
    print("| regime | injected | share of | foretold [95 %] | played | median s, foretold | played |")
    print("|---" * 7 + "|")
    for one in played:
        print(_line(one))
    worst = [max((o for o in played if o.fault == fault), key=lambda o: o.miss) for fault in FAULTS]
    mean = fmean(one.miss for one in played)
    far, by_chance = sum(one.miss > _BAR for one in played), sum(one.chance for one in played)
    return [
        Row("mean of all differences", f"{mean:.1%}", f"<= {_BAR:.0%}", mean <= _BAR),
        Row(
            f"of {len(played)} differences those over {_BAR:.0%}",
            f"{far}",
            f"<= {by_chance:.1f}, which chance makes of {RUNS} runs and {RUNS}",
            far <= by_chance,
        ),
        *(Row(f"{o.fault}, worst: {o.regime}", _shares(o), f"<= {_BAR:.0%}", o.miss <= _BAR) for o in worst),
    ]


def _line(one: Foretold) -> str:
    low, high = one.expected.between(one.told)
    medians = (one.expected.caught_after, one.seen.caught_after)
    times = " | ".join("-" if median is None else f"{median.seconds}" for median in medians)
    shares = f"{one.expected.share(one.told):.3f} [{low:.3f}, {high:.3f}] | {one.seen.share(one.told):.3f}"
    return f"| {one.regime} | {one.fault} | {one.told} | {shares} | {times} |"


def _shares(one: Foretold) -> str:
    return f"{one.expected.share(one.told):.1%} foretold, {one.seen.share(one.told):.1%} played"


def _play(numbered: tuple[int, str], seed: int) -> list[Foretold]:
    number, regime = numbered
    rng = np.random.default_rng((seed, 3_000 + number))
    base = replace(REGIMES[regime], errors=_ERRORS)
    plan = gate(base)
    past = [kept(base.run(rng, PLANNED), plan) for _ in range(PAST)]
    return [
        Foretold(
            regime,
            fault,
            prove(past, plan, injection),
            Trials(injection, list(_new(rng, base, plan, injection)), RUNS),
        )
        for fault, injection in FAULTS.items()
    ]


def gate(service: Service) -> RunPlan:
    limit = round(service.threshold(0.005, PLANNED))
    load = {"plan": {"configMap": "scenario"}, "threads": 50, "duration": f"{PLANNED}s"}
    objectives = [{"expect": f"p99 < {limit}ms"}, {"expect": "errors < 0.5%"}]
    spec = {"targetRef": {"name": "played"}, "load": {"jmeter": load}, "objectives": objectives}
    return resolve_load(PerfGateSpec.model_validate(spec))


def _new(rng: Generator, base: Service, plan: RunPlan, injection: Injection) -> Iterator[Tried]:
    """The fault is in the service itself."""
    sound = (1 - base.errors) * (1 - float(injection.errors))
    faulty = replace(base, factor=float(1 + injection.delay), errors=1 - sound)
    for _ in range(RUNS):
        yield tried(RunRecord(_series(faulty.run(rng, PLANNED), plan), Profile()), plan)


def kept(stream: Stream, plan: RunPlan) -> RunRecord:
    """As the operator keeps it."""
    profile = Profile()
    for second in range(stream.seconds):
        within = stream.ends == second
        histogram = Counter(map(bucket_of, stream.elapsed[within].astype(int).tolist()))
        failed = int(stream.failed[within].sum())
        labels = {"all": LabelStats(histogram.total(), failed, [0], [0], dict(histogram))}
        profile.add(Block(second, second, labels=labels))
    return RunRecord(_series(stream, plan), profile)


def _series(stream: Stream, plan: RunPlan) -> dict[str, Series]:
    samples = stream.samples().tolist()
    over = stream.over(plan.thresholds[0].elapsed_ms).tolist()
    failed = stream.errors().tolist()
    counts = [failed if isinstance(o.counted, FailedSamples) else over for o in plan.objectives]
    return {
        series_key(o.counted, plan.thresholds): Series([0] * len(samples), range(len(samples)), samples, each)
        for o, each in zip(plan.objectives, counts, strict=True)
    }
