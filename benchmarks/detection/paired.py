"""Baseline and candidate loaded at the same time, p95 against p95: our comparison beside Kayenta's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Final

import numpy as np

from benchmarks.detection.bars import Bar, with_interval
from benchmarks.detection.cases import PLANNED
from benchmarks.detection.outcome import Outcome
from benchmarks.detection.play import Result, spread
from benchmarks.detection.policies import ALPHA
from benchmarks.detection.rivals import kayenta, kayenta_score, points
from benchmarks.detection.simulator import REGIMES, Floats, Service, Stream, pair
from benchmarks.figures import Row
from devperfops_operator.analysis.comparison import Comparison, ComparisonTest, Pair, block_seconds
from devperfops_operator.wire.histogram import bucket_of, upper_edge

QUANTILE: Final = Fraction(95, 100)
_BLOCK: Final = block_seconds(Fraction(Service().rate), 1 - QUANTILE)
_KAYENTA_BLOCK: Final = 10  # seconds of a point; its own default is a minute
_WIDE, _NARROW = Fraction(15, 100), Fraction(5, 100)
_CHANGES: Final = {"unchanged": 1.0, "x1.01": 1.01, "x1.05": 1.05, "x1.15": 1.15, "x1.2": 1.2}
_BOTH: Final = "stalls .5 s / 20 s, Poisson, of both"  # at the same time: a neighbour's, a node's
_REGIMES: Final = (
    "independent",
    "autocorrelated, 10 s",
    "autocorrelated, 60 s",
    "stalls .5 s / 20 s",
    "stalls .5 s / 20 s, Poisson",
    _BOTH,
    "stalls 3 s / 300 s",
    "stalls 3 s / 300 s, Poisson",
    "cold start",
    "bimodal",
)
_WRONG_FAIL, _WRONG_PASS, _RIGHT_PASS, _POWER = 0.001, 0.01, 0.95, 0.95
_SOON: Final = round(0.35 * PLANNED)  # of Kayenta's time, which speaks at the end


@dataclass(frozen=True)
class PlayedPair:
    """A regime and a change, with each policy's results."""

    regime: str
    change: str
    results: Mapping[str, Result] = field(default_factory=lambda: {name: Result() for name in POLICIES})

    @property
    def place(self) -> str:
        return self.regime


def measure_pairs(streams: int, seed: int) -> list[Row]:
    """`streams` of each regime and change. Prints every figure; returns the bars, each at its worst case."""
    wanted = [(regime, change) for regime in _REGIMES for change in _CHANGES]
    played = spread(partial(_play, streams=streams, seed=seed), list(enumerate(wanted)))
    _tell(played)
    return _bars(played)


def ours(control: Stream, experiment: Stream, tolerance: Fraction) -> Outcome:
    """A look after every block; a Pass is asked for at the end."""
    comparison = Comparison(ComparisonTest(tolerance, ALPHA, _BLOCK))
    blocks = zip(experiment.blocks(_BLOCK), control.blocks(_BLOCK), strict=True)
    for number, (new, base) in enumerate(blocks, 1):
        comparison.add(Pair(quantile(new), quantile(base)))
        if comparison.fails():
            return Outcome("Fail", number * _BLOCK)
    whole = Pair(quantile(experiment.elapsed), quantile(control.elapsed))
    return Outcome("Pass" if comparison.passes(whole) else "Inconclusive", control.seconds)


def quantile(elapsed: Floats) -> float | None:
    """As the operator reads it from a histogram of whole milliseconds; None: nothing ended."""
    if not len(elapsed):
        return None
    rank = math.ceil(QUANTILE * len(elapsed)) - 1
    return upper_edge(bucket_of(int(np.partition(elapsed, rank)[rank]))) - 1


def kayenta_at_end(control: Stream, experiment: Stream) -> Outcome:
    base, new = (
        [value for value in points(run.blocks(_KAYENTA_BLOCK), float(QUANTILE)) if value is not None]
        for run in (control, experiment)
    )
    return Outcome(kayenta_score(kayenta(base, new)).verdict, control.seconds)


POLICIES: Final[Mapping[str, Callable[[Stream, Stream], Outcome]]] = {
    "ours, 15 %": partial(ours, tolerance=_WIDE),
    "ours, 5 %": partial(ours, tolerance=_NARROW),
    "Kayenta": kayenta_at_end,
}


def _play(numbered: tuple[int, tuple[str, str]], streams: int, seed: int) -> PlayedPair:
    number, (regime, change) = numbered
    rng, played = np.random.default_rng((seed, 1_000 + number)), PlayedPair(regime, change)
    base = REGIMES[regime.removesuffix(", of both")]
    candidate: Service = replace(base, factor=_CHANGES[change])
    for _ in range(streams):
        control, experiment = pair(base, candidate, rng, PLANNED, shared=regime == _BOTH)
        for name, policy in POLICIES.items():
            played.results[name].outcomes.append(policy(control, experiment))
    return played


# --- the table ----------------------------------------------------------------------------------------------


def _tell(played: Iterable[PlayedPair]) -> None:
    print("\n### p95 against a baseline under the same load, 10 minutes: Pass, Fail, median second of Fail\n")
    print(f"| regime | change | {' | '.join(POLICIES)} |\n" + "|---" * (2 + len(POLICIES)) + "|")
    for one in played:
        told = " | ".join(map(_told, one.results.values()))
        print(f"| {one.regime} | {one.change} | {told} |")


def _told(result: Result) -> str:
    second = result.median_second("Fail")
    shares = ", ".join(with_interval(result, verdict) for verdict in ("Pass", "Fail"))
    return f"{shares}, {'-' if second is None else f'{second:.0f}'}"


# --- bars ---------------------------------------------------------------------------------------------------


def _bars(played: Sequence[PlayedPair]) -> list[Row]:
    same = [one for one in played if one.change == "unchanged"]
    edge = [one for one in played if one.change == "x1.15"]
    slower = [one for one in played if one.change == "x1.2"]
    wide, narrow = partial(Bar, "ours, 15 %", rival="Kayenta"), partial(Bar, "ours, 5 %", rival="Kayenta")
    return [
        wide("Fail", _WRONG_FAIL).at_worst("unchanged, 15 %: wrong Fail", same),
        wide("Pass", _WRONG_PASS).at_worst("x1.15, 15 %: wrong Pass", edge),
        wide("Fail", _WRONG_FAIL).at_worst("x1.15, 15 %: wrong Fail", edge),
        wide("Pass", _RIGHT_PASS).at_worst("unchanged, 15 %: right Pass", same),
        narrow("Fail", _POWER).at_worst("x1.2, 5 %: Fail", slower),
        *map(_soon, slower[:1]),
    ]


def _soon(one: PlayedPair) -> Row:
    outcomes = one.results["ours, 5 %"].outcomes
    share = sum(each.verdict == "Fail" and each.second <= _SOON for each in outcomes) / len(outcomes)
    return Row(
        f"{one.change}, 5 %: Fail within {_SOON} s, {one.regime}",
        f"{share:.3f}",
        f">= {_POWER:.0%}",
        share >= _POWER,
        f"Kayenta {PLANNED} s",
    )
