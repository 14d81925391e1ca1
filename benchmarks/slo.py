"""Random call graphs, played request by request, beside what `devperfops slo check` says of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Row, percentile
from devperfops_operator.analysis.callgraph.availability import failures
from devperfops_operator.analysis.callgraph.bounds import Prover
from devperfops_operator.analysis.callgraph.graph import WHOLE, Call, Graph, Point, Retries, Service, Stage
from devperfops_operator.domain.slo.check import check
from devperfops_operator.domain.slo.figures import Figures, Sla
from devperfops_operator.domain.slo.judged import Standing

_REQUESTS: Final = 10_000
_MANY: Final = 200_000
_SERVICES: Final = 50
_LARGE: Final = 200
_WAYS: Final = 150  # calls of one request at most, tries not counted
_SIGMAS: Final = 5.0
_ROOT: Final = "s0"
_STALL_US: Final = 100_000_000
_LONGEST_US: Final = _STALL_US - 1
_SMOOTH: Final = 0.7
"""Share of graphs whose services do better than they say."""
_QUANTILES: Final = (0.1, 0.05, 0.01, 0.005)
_TIME_BAR: Final = 1.0
_ALONE, _ALWAYS, _ONCE = 0.7, 0.6, 0.8
"""Shares of stages with one call, of calls that are always made, and of those never tried again."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Together(Enum):
    """What hangs together with what."""

    NOTHING = "independent"
    ALL = "slow together"
    APART = "slow at different times"


@dataclass(frozen=True)
class Truth:
    """A service's own time: `us` ascending, each in its share of the requests; the slowest `bad` fail."""

    us: Floats
    shares: Floats
    bad: float

    def over(self, us: float) -> float:
        return max(float(self.shares[self.us > us].sum()), self.bad)


@dataclass(frozen=True)
class Case:
    """What is told of a graph, what is true, and what was promised to its users."""

    graph: Graph
    truths: Mapping[str, Truth]


def random_case(rng: np.random.Generator, services: int) -> Case:
    """Redrawn until a request makes few enough calls to be played."""
    while True:
        draw = _truth if rng.random() < _SMOOTH else _edge
        truths = {f"s{at}": draw(rng) for at in range(services)}
        graph = {name: _told(rng, name, truth, services) for name, truth in truths.items()}
        if _ways(graph) <= _WAYS:
            return Case(graph, truths)


def _truth(rng: np.random.Generator) -> Truth:
    """A lognormal body and, often, stalls."""
    median, spread = np.exp(rng.uniform(np.log(500), np.log(50_000))), rng.uniform(0.2, 0.9)
    body = np.unique(np.round(median * np.exp(spread * np.linspace(-2.5, 2.5, 40))))
    weights = np.exp(-0.5 * (np.log(body / median) / spread) ** 2)
    stalls = rng.choice([0.0, rng.uniform(0.0002, 0.01)])
    stall_us = np.round(rng.uniform(2, 40) * median) + body[-1]
    us = np.append(body, stall_us)
    shares = np.append((1 - stalls) * weights / weights.sum(), stalls)
    return Truth(us, shares, float(rng.choice([0.0, rng.uniform(0.00001, 0.002)])))


def _edge(rng: np.random.Generator) -> Truth:
    """Takes as long as it may, and fails or stalls as often as it may."""
    us, over = np.round(np.exp(rng.uniform(6, 11))), float(rng.choice([0.001, 0.002, 0.005]))
    return Truth(np.array([us, _STALL_US]), np.array([1 - over, over]), float(rng.choice([0, over / 2])))


def _told(rng: np.random.Generator, name: str, truth: Truth, services: int) -> Service:
    """A distribution, a promise, or both; coarser than the truth and never better."""
    kind = rng.choice(["measured", "promised", "both"], p=(0.6, 0.25, 0.15))
    edges = np.unique([truth.us[0], *rng.choice(truth.us, 12)])
    measured = tuple(_points(truth, edges)) if kind != "promised" else ()
    limits = truth.us[np.searchsorted(np.cumsum(truth.shares), [0.99, 0.999]).clip(max=len(truth.us) - 1)]
    promised = tuple(_points(truth, limits * rng.uniform(1, 1.2))) if kind != "measured" else ()
    points = sorted({*measured, *promised})
    bad = int(np.ceil(truth.bad * WHOLE)) + 1
    return Service(_falling(points), measured, bad, tuple(_stages(rng, int(name[1:]), services)))


def _points(truth: Truth, edges: Floats) -> Iterator[Point]:
    known: set[int] = set()
    for edge in edges:
        over = int(np.ceil(truth.over(float(edge)) * WHOLE)) + 1
        if over < WHOLE and over not in known:
            known.add(over)
            yield Point(int(np.ceil(edge)), over)


def _falling(points: list[Point]) -> tuple[Point, ...]:
    kept: list[Point] = []
    for point in points:
        if not kept or point.over < kept[-1].over:
            kept.append(point)
    return tuple(kept)


def _stages(rng: np.random.Generator, at: int, services: int) -> Iterator[Stage]:
    later = np.arange(at + 1, min(services, at + 8))
    for _ in range(rng.integers(0, 4) if len(later) else 0):
        width = min(len(later), 1 if rng.random() < _ALONE else int(rng.integers(2, 4)))
        yield tuple(_call(rng, int(to)) for to in rng.choice(later, width, replace=False))


def _call(rng: np.random.Generator, to: int) -> Call:
    made = WHOLE if rng.random() < _ALWAYS else int(rng.uniform(0.01, 1) * WHOLE)
    if rng.random() < _ONCE:
        return Call(f"s{to}", made)
    timeout = int(np.exp(rng.uniform(np.log(5_000), np.log(2_000_000))))
    return Call(f"s{to}", made, Retries(int(rng.integers(1, 4)), timeout, int(rng.uniform(0, 1) * WHOLE)))


def _ways(graph: Graph) -> int:
    """Visits of one request that makes all its calls and tries."""
    ways: dict[str, int] = {}
    for name in reversed(list(graph)):  # calls lead to later services
        calls = list(graph[name].calls())
        ways[name] = 1 + sum(ways[call.to] * (call.retries.attempts if call.retries else 1) for call in calls)
    return ways[_ROOT]


class Player:
    """Plays `requests` requests at once."""

    def __init__(self, case: Case, rng: np.random.Generator, requests: int, together: Together) -> None:
        self._case = case
        self._rng = rng
        self._requests = requests
        self._together = together
        self._moment = (np.arange(requests) + 0.5) / requests
        self._shift = 0.0

    def play(self, name: str) -> tuple[Floats, Flags]:
        """How long each takes, and which ones fail."""
        truth = self._case.truths[name]
        lot = self._lot(truth)
        place = np.searchsorted(np.cumsum(truth.shares), lot).clip(max=len(truth.us) - 1)
        elapsed, failed = truth.us[place], lot > 1 - truth.bad
        for stage in self._case.graph[name].stages:
            branches = [self._call(call) for call in stage]
            elapsed = elapsed + np.max([took for took, _ in branches], axis=0)
            failed = failed | np.any([broke for _, broke in branches], axis=0)
        return elapsed, failed

    def _call(self, call: Call) -> tuple[Floats, Flags]:
        elapsed, failed = self.play(call.to) if call.retries is None else self._tried(call, call.retries)
        made = self._rng.random(self._requests) < call.made / WHOLE
        return np.where(made, elapsed, 0.0), failed & made

    def _tried(self, call: Call, retries: Retries) -> tuple[Floats, Flags]:
        elapsed, failed = self.play(call.to)
        bad = failed | (elapsed > retries.timeout_us)
        common = self._rng.random(self._requests) < retries.common / WHOLE
        spent = np.where(bad, float(retries.timeout_us), elapsed)
        for _ in range(retries.attempts - 1):
            again, broke = self._once_more(call)
            broke = broke | (again > retries.timeout_us) | common
            spent = spent + np.where(bad, np.where(broke, float(retries.timeout_us), again), 0.0)
            bad = bad & broke
        return spent, bad

    def _once_more(self, call: Call) -> tuple[Floats, Flags]:
        """Tries share what their common cause says, and nothing else."""
        moment, self._moment = self._moment, self._rng.permutation(self._moment)
        played = self.play(call.to)
        self._moment = moment
        return played

    def _lot(self, truth: Truth) -> Floats:
        """Near 1: slow. APART: the tails of all visits follow each other."""
        match self._together:
            case Together.NOTHING:
                return self._rng.random(self._requests)
            case Together.ALL:
                return self._moment
            case Together.APART:
                lot = (self._moment + self._shift) % 1
                self._shift += max(float(truth.shares[-1]), truth.bad)
                return lot


@dataclass
class Tally:
    """What was said of SLAs near what is true; `met`: of those that hold for independent hops.

    `at_edge`: guaranteed SLAs that are just proved. `broken`: guaranteed ones that do not hold when played.
    """

    said: Counter[Standing]
    met: Counter[Standing]
    broken: list[str]
    at_edge: int = 0


def play_graphs(graphs: int, seed: int, requests: int = _REQUESTS, services: int = _SERVICES) -> Tally:
    """Judges SLAs near what is true, and those that are just proved, and plays them."""
    tally = Tally(Counter(), Counter(), [])
    for number in range(graphs):
        rng = np.random.default_rng((seed, number))
        case = random_case(rng, int(rng.integers(1, services + 1)))
        played = {together: Player(case, rng, requests, together).play(_ROOT) for together in Together}
        for sla in _slas(rng, *played[Together.NOTHING]):
            standing = _said(case, sla)
            tally.said[standing] += 1
            if _bad(sla, *played[Together.NOTHING]) * WHOLE <= sla.allowed:
                tally.met[standing] += 1
            if standing is Standing.GUARANTEED:
                tally.broken += _broken(case, rng, sla, played, number)
        for sla in _just_proved(case, rng):
            tally.at_edge += _said(case, sla) is Standing.GUARANTEED
            tally.broken += _broken(case, rng, sla, played, number)
    return tally


def _said(case: Case, sla: Sla) -> Standing:
    (judged,) = check(Figures(case.graph, case.graph, (sla,), _untold(case), _untold(case)))
    return judged.standing


def _just_proved(case: Case, rng: np.random.Generator) -> Iterator[Sla]:
    """SLAs that a hair less would not prove, if any is."""
    bounds = Prover(case.graph, _LONGEST_US).bounds(_ROOT)
    if bounds:
        bound = bounds[int(rng.integers(len(bounds)))]
        yield Sla(_ROOT, f"{bound.over / WHOLE} over {bound.us} us", bound.over, bound.us)
    most = failures(case.graph, _ROOT)[_ROOT].most
    if most is not None and most < WHOLE:
        yield Sla(_ROOT, f"{most / WHOLE} failed", most, None)


def _broken(
    case: Case,
    rng: np.random.Generator,
    sla: Sla,
    played: Mapping[Together, tuple[Floats, Flags]],
    number: int,
) -> list[str]:
    """In which worlds it does not hold by more than chance: what looks so is played again, for longer."""
    allowed = sla.allowed / WHOLE
    suspected = [
        each
        for each, (elapsed, failed) in played.items()
        if _bad(sla, elapsed, failed) > allowed + np.sqrt(allowed / len(failed))
    ]
    return [
        f"graph {number}, {each.value}: {sla.text}" for each in suspected if _breaks(case, rng, sla, each)
    ]


def _bad(sla: Sla, elapsed: Floats, failed: Flags) -> float:
    bad = failed if sla.limit_us is None else failed | (elapsed > sla.limit_us)
    return float(bad.mean())


def _breaks(case: Case, rng: np.random.Generator, sla: Sla, together: Together) -> bool:
    share = _bad(sla, *Player(case, rng, _MANY, together).play(_ROOT))
    allowed = sla.allowed / WHOLE
    steps = _WAYS / _MANY  # a tail may begin between two moments
    return bool(share > allowed + _SIGMAS * np.sqrt(allowed / _MANY) + steps)


def _slas(rng: np.random.Generator, elapsed: Floats, failed: Flags) -> tuple[Sla, Sla]:
    """A time that is somewhat shorter to much longer than what is true, and a share of failures likewise."""
    over = float(rng.choice(_QUANTILES))
    limit = max(1, int(np.quantile(elapsed, 1 - over) * np.exp(rng.uniform(-0.3, 1.6))))
    allowed = max(1e-5, float(failed.mean())) * float(np.exp(rng.uniform(-0.5, 1.5)))
    return (
        Sla(_ROOT, f"{over} over {limit} us", int(over * WHOLE), limit),
        Sla(_ROOT, f"{allowed} failed", int(min(0.5, allowed) * WHOLE), None),
    )


def _untold(case: Case) -> dict[str, str]:
    return dict.fromkeys(case.graph, "")


def measure(graphs: int, seed: int) -> list[Row]:
    tally = play_graphs(graphs, seed)
    met = sum(tally.met.values())
    proved = tally.met[Standing.GUARANTEED] / met
    kept = proved + tally.met[Standing.PLAUSIBLE] / met
    said = ", ".join(f"{tally.said[each]:,} {each.lower()}" for each in Standing)
    times = [_seconds(np.random.default_rng((seed, at))) for at in range(5)]
    return [
        Row(
            f"SLAs called guaranteed that break: {graphs:,} graphs of up to {_SERVICES} services",
            f"{len(tally.broken)}" if not tally.broken else f"{len(tally.broken)}: {tally.broken[0]}",
            "0, however hops hang together",
            not tally.broken,
        ),
        Row("of these, just proved: a hair less would not be", f"{tally.at_edge:,}", "-", kept=True),
        Row("what was said of SLAs near what is true", said, "-", kept=True),
        Row(
            f"of the {met:,} that hold for independent hops: called guaranteed or plausible",
            f"{kept:.1%} (guaranteed {proved:.1%})",
            "told",
            kept=True,
        ),
        Row(
            f"checking two SLAs of a graph of {_LARGE} services, all with a distribution",
            f"{percentile(times, 0.5):.2f} s, at most {max(times):.2f} s",
            f"<= {_TIME_BAR:.0f} s",
            max(times) <= _TIME_BAR,
        ),
    ]


def _seconds(rng: np.random.Generator) -> float:
    """A graph in which each service is called by one before it, and half of them by a second one."""
    calls: dict[int, list[Call]] = {at: [] for at in range(_LARGE)}
    for at in range(1, _LARGE):
        for _ in range(int(rng.integers(1, 3))):
            calls[int(rng.integers(max(0, at - 30), at))].append(
                Call(f"s{at}", WHOLE if at % 3 else WHOLE // 3)
            )
    truths = [_truth(rng) for _ in range(_LARGE)]
    points = [_falling(list(_points(truth, truth.us))) for truth in truths]
    graph = {
        f"s{at}": Service(points[at], points[at], WHOLE // 10**5, tuple((call,) for call in calls[at]))
        for at in range(_LARGE)
    }
    slas = (Sla(_ROOT, "p99", WHOLE // 100, 60_000_000), Sla(_ROOT, "good", WHOLE // 100, None))
    told = dict.fromkeys(graph, "")
    began = time.perf_counter()
    check(Figures(graph, graph, slas, told, told))
    return time.perf_counter() - began
