"""Baseline and candidate loaded at the same time, p95 against p95: our comparison beside Kayenta's.

"After 20 runs" has compared 20 unchanged releases before. What no test can do better is told, too: the share
of unchanged services that pass if the distribution of the two quantiles' ratio is *known*, and one in a
hundred at the edge of the tolerance may pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from devperfops_operator.analysis.batches import ComparedRun, PastBatches, learned
from devperfops_operator.analysis.comparison import Comparison, ComparisonTest, Pair, block_seconds
from devperfops_operator.wire.histogram import bucket_of, upper_edge

QUANTILE: Final = Fraction(95, 100)
_BLOCK: Final = block_seconds(Fraction(Service().rate), 1 - QUANTILE)
_KAYENTA_BLOCK: Final = 10  # seconds of a point; its own default is a minute
_WIDE, _NARROW = Fraction(15, 100), Fraction(5, 100)
_CUT: Final = 0.2  # of a block, as the comparison does
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
    "drift",
)
_PAST_RUNS: Final = 20
_PAIRS_OF_A_PAST: Final = 10  # that are judged with the same earlier runs: these are most of the work
_TOLERANCES: Final[Mapping[str, Fraction]] = {"ours, 15 %": _WIDE, "ours, 5 %": _NARROW}
_LATER: Final = f", after {_PAST_RUNS} runs"
_KAYENTA: Final = "Kayenta"
_NAMES: Final = (*(name + _LATER for name in _TOLERANCES), *_TOLERANCES, _KAYENTA)
_WRONG_FAIL, _FAIL_NEAR, _WRONG_PASS = 0.001, 0.01, 0.01
_RIGHT_PASS, _PASS_IN_STALLS, _PASS_NEAR = 0.9, 0.6, 0.8
_POWER, _POWER_IN_STALLS = 0.95, 0.85
_SOON: Final = round(0.35 * PLANNED)  # of Kayenta's time, which speaks at the end


@dataclass(frozen=True)
class PlayedPair:
    """A regime and a change, with each policy's results.

    `ratios`: of each pair the logarithm of the two quantiles' ratio; `means`: of its blocks' excess, each cut
    at +-.2.
    """

    regime: str
    change: str
    results: Mapping[str, Result] = field(default_factory=lambda: {name: Result() for name in _NAMES})
    ratios: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)

    @property
    def place(self) -> str:
        return self.regime


def measure_pairs(streams: int, seed: int) -> list[Row]:
    """`streams` of each regime and change. Prints every figure; returns the bars, each at its worst case."""
    wanted = [(regime, change) for regime in _REGIMES for change in _CHANGES]
    played = spread(partial(_play, streams=streams, seed=seed), list(enumerate(wanted)))
    _tell(played)
    _tell_ceilings(played)
    return _bars(played)


def ours(
    control: Stream, experiment: Stream, tolerance: Fraction, past: PastBatches | None = None
) -> Outcome:
    """A look after every block, and one at the end."""
    comparison = Comparison(ComparisonTest(tolerance, ALPHA, _BLOCK), past)
    for number, pair_of_block in enumerate(_blocks(control, experiment), 1):
        comparison.add(pair_of_block)
        if comparison.fails_so_far():
            return Outcome("Fail", number * _BLOCK)
    whole = Pair(quantile(experiment.elapsed), quantile(control.elapsed))
    if comparison.fails_at_end(whole):
        return Outcome("Fail", control.seconds)
    return Outcome("Pass" if comparison.passes(whole) else "Inconclusive", control.seconds)


def past_of(pairs: Iterable[Sequence[Stream]], tolerance: Fraction) -> PastBatches:
    """What runs have shown that compared these."""
    shown = (_shown(control, experiment, tolerance) for control, experiment in pairs)
    return learned([each for each in shown if each is not None])


def _shown(control: Stream, experiment: Stream, tolerance: Fraction) -> ComparedRun | None:
    comparison = Comparison(ComparisonTest(tolerance, ALPHA, _BLOCK))
    for each in _blocks(control, experiment):
        comparison.add(each)
    return comparison.shown


def _blocks(control: Stream, experiment: Stream) -> Iterator[Pair]:
    blocks = zip(experiment.blocks(_BLOCK), control.blocks(_BLOCK), strict=True)
    return (Pair(quantile(new), quantile(base)) for new, base in blocks)


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


def _play(numbered: tuple[int, tuple[str, str]], streams: int, seed: int) -> PlayedPair:
    number, (regime, change) = numbered
    rng, earlier = (
        np.random.default_rng((seed, 1_000 + number)),
        np.random.default_rng((seed, 4_000 + number)),
    )
    played, shared = PlayedPair(regime, change), regime == _BOTH
    base = REGIMES[regime.removesuffix(", of both")]
    candidate: Service = replace(base, factor=_CHANGES[change])
    pasts: dict[str, PastBatches] = {}
    for turn in range(streams):
        if turn % _PAIRS_OF_A_PAST == 0:
            before = [pair(base, base, earlier, PLANNED, shared=shared) for _ in range(_PAST_RUNS)]
            pasts = {name: past_of(before, tolerance) for name, tolerance in _TOLERANCES.items()}
        control, experiment = pair(base, candidate, rng, PLANNED, shared=shared)
        _judge(played, control, experiment, pasts)
    return played


def _judge(played: PlayedPair, control: Stream, experiment: Stream, pasts: Mapping[str, PastBatches]) -> None:
    for name, tolerance in _TOLERANCES.items():
        played.results[name].outcomes.append(ours(control, experiment, tolerance))
        played.results[name + _LATER].outcomes.append(ours(control, experiment, tolerance, pasts[name]))
    played.results[_KAYENTA].outcomes.append(kayenta_at_end(control, experiment))
    ratio = partial(_log_ratio, edge=math.log1p(_WIDE))
    blocks = [ratio(each) for each in _blocks(control, experiment)]
    played.ratios.append(_log_ratio(Pair(quantile(experiment.elapsed), quantile(control.elapsed)), 0.0))
    played.means.append(float(np.clip(blocks, -_CUT, _CUT).mean()))


def _log_ratio(of: Pair, edge: float) -> float:
    if not of.candidate or not of.baseline:
        raise ValueError(f"no request ended in {of}")
    return math.log(of.candidate / of.baseline) - edge


# --- the table ----------------------------------------------------------------------------------------------


def _tell(played: Iterable[PlayedPair]) -> None:
    print("\n### p95 against a baseline under the same load, 10 minutes: Pass, Fail, median second of Fail\n")
    print(f"| regime | change | {' | '.join(_NAMES)} |\n" + "|---" * (2 + len(_NAMES)) + "|")
    for one in played:
        told = " | ".join(map(_told, one.results.values()))
        print(f"| {one.regime} | {one.change} | {told} |")


def _told(result: Result) -> str:
    second = result.median_second("Fail")
    shares = ", ".join(with_interval(result, verdict) for verdict in ("Pass", "Fail"))
    return f"{shares}, {'-' if second is None else f'{second:.0f}'}"


def _tell_ceilings(played: Sequence[PlayedPair]) -> None:
    print(f"\n### Unchanged, 15 %: Pass if all were known and {_WRONG_PASS:.0%} may pass at the edge\n")
    print(
        "| regime | by the quantiles' ratio | by the mean of blocks | ours after 20 runs |\n"
        + "|---" * 4
        + "|"
    )
    for regime in _REGIMES:
        same, edge = _of(played, regime, "unchanged"), _of(played, regime, "x1.15")
        ceilings = (ceiling(same.ratios, edge.ratios), ceiling(same.means, edge.means))
        share = same.results["ours, 15 %" + _LATER].share("Pass")
        print(f"| {regime} | {' | '.join(f'{each:.3f}' for each in ceilings)} | {share:.3f} |")


def ceiling(unchanged: Sequence[float], at_edge: Sequence[float]) -> float:
    """The share of `unchanged` figures that are less than all but the allowed share of those `at_edge`."""
    return float(np.mean(np.asarray(unchanged) < np.quantile(at_edge, _WRONG_PASS)))


def _of(played: Iterable[PlayedPair], regime: str, change: str) -> PlayedPair:
    return next(one for one in played if (one.regime, one.change) == (regime, change))


# --- bars ---------------------------------------------------------------------------------------------------


def _bars(played: Sequence[PlayedPair]) -> list[Row]:
    of = {change: [one for one in played if one.change == change] for change in _CHANGES}
    plain = [one for one in of["unchanged"] if "stalls" not in one.regime]
    stalled = [one for one in of["unchanged"] if "stalls" in one.regime]
    wide, narrow = (partial(Bar, name + _LATER, rival=_KAYENTA) for name in _TOLERANCES)
    return [
        wide("Fail", _WRONG_FAIL).at_worst("unchanged, 15 %: wrong Fail", of["unchanged"]),
        narrow("Fail", _WRONG_FAIL).at_worst("unchanged, 5 %: wrong Fail", of["unchanged"]),
        wide("Fail", _FAIL_NEAR).at_worst("x1.05, 15 %: Fail", of["x1.05"]),
        wide("Pass", _WRONG_PASS).at_worst("x1.15, 15 %: wrong Pass", of["x1.15"]),
        wide("Pass", _RIGHT_PASS).at_worst("unchanged, 15 %: right Pass", plain),
        wide("Pass", _PASS_IN_STALLS).at_worst("unchanged, 15 %: right Pass in stalls", stalled),
        wide("Pass", _PASS_NEAR).at_worst("x1.05, 15 %: right Pass", of["x1.05"][:1]),
        *(
            _soon(one, _POWER_IN_STALLS if "stalls" in one.regime else _POWER)
            for one in of["x1.2"]
            if one.regime == _REGIMES[0] or "stalls" in one.regime
        ),
    ]


def _soon(one: PlayedPair, bar: float) -> Row:
    outcomes = one.results["ours, 5 %" + _LATER].outcomes
    share = sum(each.verdict == "Fail" and each.second <= _SOON for each in outcomes) / len(outcomes)
    found = one.results["ours, 5 %" + _LATER].share("Fail")
    return Row(
        f"{one.change}, 5 %: Fail within {_SOON} s, {one.regime}",
        f"{share:.3f}, by the end {found:.3f}",
        f">= {bar:.0%}",
        share >= bar,
        f"Kayenta at {PLANNED} s {one.results[_KAYENTA].share('Fail'):.3f}",
    )
