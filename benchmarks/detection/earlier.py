"""A run beside the earlier ones, p95 against p95: ours beside a comparison with the last run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Final

import numpy as np

from benchmarks.detection.bars import Bar, with_interval
from benchmarks.detection.cases import PLANNED
from benchmarks.detection.outcome import Outcome, Verdict
from benchmarks.detection.paired import QUANTILE, quantile
from benchmarks.detection.play import Result, spread
from benchmarks.detection.policies import ALPHA
from benchmarks.detection.simulator import REGIMES, Generator, Service
from benchmarks.figures import Row
from devperfops_operator.analysis.runs import RunsTest

_TOLERANCE: Final = Fraction(15, 100)
_TEST: Final = RunsTest(_TOLERANCE, ALPHA)
_REGIMES: Final = (
    "independent",
    "autocorrelated, 60 s",
    "stalls 1 s / 60 s, Poisson",
    "stalls 3 s / 300 s, Poisson",
    "bimodal",
)
_CHANGES: Final = {"unchanged": 1.0, "x1.05": 1.05, "x1.15": 1.15, "x1.3": 1.3, "x1.5": 1.5}
_RUNS: Final = 20
_SAME_PAST: Final = 10  # streams that are judged with the same earlier runs: these are most of the work
_LAST: Final = "last run + 15 %"
_WRONG_FAIL, _WRONG_PASS, _RIGHT_PASS, _POWER = 0.001, 0.01, 0.9, 0.95


def _scattered(rng: Generator) -> float:
    return float(np.exp(0.04 * rng.standard_normal()))


def _sometimes_slow(rng: Generator) -> float:
    return 1.4 if rng.random() < 0.1 else 1.0  # noqa: PLR2004  another node, a neighbour


_BETWEEN: Final[Mapping[str, Callable[[Generator], float]]] = {  # what makes all of a run slower
    "runs alike": lambda _: 1.0,
    "runs vary by 4 %": _scattered,
    "one run in ten x1.4": _sometimes_slow,
}


@dataclass(frozen=True)
class PlayedRuns:
    """A regime, what varies between its runs, and a change, with each policy's results."""

    regime: str
    between: str
    change: str
    results: Mapping[str, Result] = field(default_factory=lambda: {name: Result() for name in _POLICIES})

    @property
    def place(self) -> str:
        return f"{self.regime}, {self.between}"


def measure_runs(streams: int, seed: int) -> list[Row]:
    """`streams` of each regime and change. Prints every figure; returns the bars, each at its worst case."""
    wanted = list(product(_REGIMES, _BETWEEN, _CHANGES))
    played = spread(partial(_play, streams=streams, seed=seed), list(enumerate(wanted)))
    _tell(played)
    return list(_bars(played))


def ours(time: float, earlier: Sequence[float]) -> Verdict:
    """As the operator judges, with whole milliseconds of so many runs."""
    limits = _TEST.limits([round(each) for each in earlier])
    if limits is None or limits.pass_ms < time <= limits.fail_ms:
        return "Inconclusive"
    return "Fail" if time > limits.fail_ms else "Pass"


def last_run(time: float, earlier: Sequence[float]) -> Verdict:
    """What a pipeline does that keeps the figures of its last run."""
    return "Fail" if time > earlier[-1] * (1 + _TOLERANCE) else "Pass"


_POLICIES: Final[Mapping[str, Callable[[float, Sequence[float]], Verdict]]] = {
    f"ours after {_RUNS} runs": ours,
    "ours after 6": lambda time, earlier: ours(time, earlier[-6:]),
    _LAST: last_run,
}


def _play(numbered: tuple[int, tuple[str, str, str]], streams: int, seed: int) -> PlayedRuns:
    number, (regime, between, change) = numbered
    rng, played = np.random.default_rng((seed, 6_000 + number)), PlayedRuns(regime, between, change)
    run = partial(_time, REGIMES[regime], _BETWEEN[between], rng)
    earlier: list[float] = []
    for turn in range(streams):
        if turn % _SAME_PAST == 0:
            earlier = [run(1.0) for _ in range(_RUNS)]
        time = run(_CHANGES[change])
        for name, policy in _POLICIES.items():
            played.results[name].outcomes.append(Outcome(policy(time, earlier), PLANNED))
    return played


def _time(service: Service, between: Callable[[Generator], float], rng: Generator, change: float) -> float:
    run = replace(service, factor=change * between(rng)).run(rng, PLANNED)
    time = quantile(run.elapsed)
    if time is None:
        raise ValueError(f"no request ended in a run of {service}")
    return time


# --- the table ----------------------------------------------------------------------------------------------


def _tell(played: Iterable[PlayedRuns]) -> None:
    print(f"\n### p{float(QUANTILE):.0%} against earlier runs + 15 %, 10 minutes each: Pass, Fail\n")
    print(
        f"| regime | between runs | change | {' | '.join(_POLICIES)} |\n"
        + "|---" * (3 + len(_POLICIES))
        + "|"
    )
    for one in played:
        told = (
            ", ".join(with_interval(each, said) for said in ("Pass", "Fail")) for each in one.results.values()
        )
        print(f"| {one.regime} | {one.between} | {one.change} | {' | '.join(told)} |")


def _told(result: Result) -> str:
    return ", ".join(with_interval(result, verdict) for verdict in ("Pass", "Fail"))


# --- bars ---------------------------------------------------------------------------------------------------


def _bars(played: Sequence[PlayedRuns]) -> Iterator[Row]:
    of = {change: [one for one in played if one.change == change] for change in _CHANGES}
    for name in list(_POLICIES)[:2]:
        bar = partial(Bar, name, rival=_LAST)
        yield bar("Fail", _WRONG_FAIL).at_worst(f"{name}, unchanged: wrong Fail", of["unchanged"])
        yield bar("Pass", _WRONG_PASS).at_worst(f"{name}, x1.15: wrong Pass", of["x1.15"])
        yield bar("Pass", _RIGHT_PASS).at_worst(f"{name}, unchanged: right Pass", of["unchanged"])
        yield bar("Fail", _POWER).at_worst(f"{name}, x1.5: Fail", of["x1.5"])
