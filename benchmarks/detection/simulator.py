"""Services that are played: what each request of a load at a fixed rate takes, second by second.

A request takes `body x level + wait`: the body is lognormal with a Pareto tail, the level moves with time and
the wait is what is left of the stall that holds the request. The load is open: requests come by a Poisson
process whatever the service does, and each is told in the second in which it ends, as an agent tells it.

How often a service exceeds a threshold in the long run is computed, not estimated from streams, so that
"exactly at the boundary" is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Generator = np.random.Generator

_HALVINGS: Final = 60
_GRID: Final = 400  # points that stand for a distribution of levels or waits


# --- the body of the distribution ---------------------------------------------------------------------------


class Body(Protocol):
    def draw(self, rng: Generator, count: int) -> Floats:
        """Milliseconds."""

    def over(self, elapsed: Floats) -> Floats:
        """The chance of taking longer than that."""


@dataclass(frozen=True)
class Lognormal:
    """`tail` of the requests follow a Pareto of shape 2 from `scale` x the median."""

    median: float = 100.0
    sigma: float = 0.45
    tail: float = 0.02
    scale: float = 2.5
    shape: float = 2.0

    def draw(self, rng: Generator, count: int) -> Floats:
        body = self.median * np.exp(self.sigma * rng.standard_normal(count))
        slow = rng.random(count) < self.tail
        body[slow] = self.median * self.scale * (1 + rng.pareto(self.shape, int(slow.sum())))
        return body

    def over(self, elapsed: Floats) -> Floats:
        ratio = np.maximum(elapsed, 1e-9) / self.median
        body: Floats = ndtr(-np.log(ratio) / self.sigma)
        return (1 - self.tail) * body + self.tail * np.maximum(1, ratio / self.scale) ** -self.shape


@dataclass(frozen=True)
class Bimodal:
    """A cache: `share` of the requests miss it."""

    hit: Lognormal = Lognormal(median=40.0, tail=0.01)
    miss: Lognormal = Lognormal(median=400.0, sigma=0.3, tail=0.02)
    share: float = 0.1

    def draw(self, rng: Generator, count: int) -> Floats:
        missed = rng.random(count) < self.share
        return np.where(missed, self.miss.draw(rng, count), self.hit.draw(rng, count))

    def over(self, elapsed: Floats) -> Floats:
        return (1 - self.share) * self.hit.over(elapsed) + self.share * self.miss.over(elapsed)


# --- the level, which moves ---------------------------------------------------------------------------------


class Level(Protocol):
    """By which factor all requests are slower, at each second of a run."""

    def path(self, rng: Generator, seconds: int) -> Floats: ...

    def values(self, seconds: int) -> Floats:
        """Equally likely values that stand for all there are in a run of that length."""


@dataclass(frozen=True)
class Steady:
    def path(self, rng: Generator, seconds: int) -> Floats:  # noqa: ARG002
        return np.ones(seconds)

    def values(self, seconds: int) -> Floats:  # noqa: ARG002
        return np.ones(1)


@dataclass(frozen=True)
class Autoregressive:
    """The level's logarithm is an AR(1) of that standard deviation, forgotten within `memory` seconds."""

    memory: float = 10.0
    deviation: float = 0.15

    def path(self, rng: Generator, seconds: int) -> Floats:
        kept = math.exp(-1 / self.memory)
        shocks = self.deviation * math.sqrt(1 - kept * kept) * rng.standard_normal(seconds)
        log_level = np.empty(seconds)
        value = self.deviation * rng.standard_normal()
        for second, shock in enumerate(shocks.tolist()):
            log_level[second] = value
            value = kept * value + shock
        return np.exp(log_level)

    def values(self, seconds: int) -> Floats:  # noqa: ARG002
        points = np.array([NormalDist().inv_cdf((point + 0.5) / _GRID) for point in range(_GRID)])
        return np.exp(self.deviation * points)


@dataclass(frozen=True)
class ColdStart:
    """Slower by `factor` at first, which fades within `fades` seconds (to 1/e)."""

    factor: float = 3.0
    fades: float = 15.0

    def path(self, rng: Generator, seconds: int) -> Floats:  # noqa: ARG002
        return self.values(seconds)

    def values(self, seconds: int) -> Floats:
        return 1 + (self.factor - 1) * np.exp(-np.arange(seconds) / self.fades)


@dataclass(frozen=True)
class Drift:
    """A day in a run: one sine wave of the logarithm of the level, from anywhere in it."""

    amplitude: float = 0.1
    period: float = 600.0

    def path(self, rng: Generator, seconds: int) -> Floats:
        phase = rng.random() * 2 * math.pi
        turn = 2 * math.pi * np.arange(seconds) / self.period
        level: Floats = np.exp(self.amplitude * np.sin(phase + turn))
        return level

    def values(self, seconds: int) -> Floats:  # noqa: ARG002
        return np.exp(self.amplitude * np.sin(2 * math.pi * (np.arange(_GRID) + 0.5) / _GRID))


# --- stalls -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stalls:
    """The service stands still for `length` seconds, every `every` seconds on average (start to start).

    `jitter` of the pauses between: 0 for a clock, 1 for a Poisson process. Nobody waits where `every` is 0.
    """

    length: float = 0.0
    every: float = 0.0
    jitter: float = 0.0

    def begins(self, rng: Generator, seconds: int) -> Floats:
        """When they begin, in order; the process has been going on for ever."""
        if not self.every:
            return np.empty(0)
        count = int(3 * seconds / self.every) + 40
        pause = self.every - self.length
        pauses = pause * ((1 - self.jitter) + self.jitter * rng.exponential(size=count))
        begins = np.cumsum(pauses + self.length) - self.every * (8 + rng.random())
        return begins[(begins > -self.length) & (begins < seconds)]

    def waits(self, begins: Floats, starts: Floats) -> Floats:
        """How long each request that starts then is held, in seconds."""
        if not len(begins):
            return np.zeros(len(starts))
        latest = np.searchsorted(begins, starts, side="right") - 1
        ends = np.where(latest >= 0, begins[latest] + self.length, -math.inf)
        return np.maximum(0, ends - starts)

    @property
    def share(self) -> float:
        """Of the time that it stands still."""
        return self.length / self.every if self.every else 0.0


# --- a service ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stream:
    """The requests of one run. Seconds since its begin, milliseconds, and whether each failed."""

    seconds: int
    starts: Floats
    elapsed: Floats
    failed: NDArray[np.bool_]

    @property
    def ends(self) -> Counts:
        """The second in which each ended; `seconds` and later: not before the run's end."""
        return np.floor(self.starts + self.elapsed / 1000).astype(np.int64)

    def samples(self) -> Counts:
        """How many ended, per second."""
        return self._per_second(np.ones(len(self.starts), dtype=bool))

    def over(self, threshold: float) -> Counts:
        """How many of them took at least `threshold` ms or failed, per second."""
        return self._per_second((self.elapsed >= threshold) | self.failed)

    def errors(self) -> Counts:
        """How many of them failed, per second."""
        return self._per_second(self.failed)

    def blocks(self, width: int) -> list[Floats]:
        """Elapsed times, in no order, of the requests that ended in each `width` seconds."""
        block = np.minimum(self.ends // width, self.seconds // width).astype(np.int16)
        order = np.argsort(block, kind="stable")
        cuts = np.searchsorted(block[order], np.arange(1, self.seconds // width + 1))
        return np.split(self.elapsed[order], cuts)[:-1]

    def thinned(self, rng: Generator, share: float) -> Stream:
        """As if the generator had sent only that share of its requests."""
        kept = rng.random(len(self.starts)) < share
        return replace(self, starts=self.starts[kept], elapsed=self.elapsed[kept], failed=self.failed[kept])

    def until(self, second: int) -> Stream:
        """As if nothing had been measured from then on."""
        kept = self.starts + self.elapsed / 1000 < second
        return replace(self, starts=self.starts[kept], elapsed=self.elapsed[kept], failed=self.failed[kept])

    def _per_second(self, which: NDArray[np.bool_]) -> Counts:
        ends = self.ends[which]
        return np.bincount(ends[ends < self.seconds], minlength=self.seconds)


@dataclass(frozen=True)
class Service:
    """`rate`: requests a second. `factor`: all of them slower. `sleepers` of them take `sleep` ms more."""

    rate: float = 50.0
    body: Body = Lognormal()
    level: Level = Steady()
    stalls: Stalls = Stalls()
    errors: float = 0.0
    factor: float = 1.0
    sleepers: float = 0.0
    sleep: float = 2000.0

    def run(self, rng: Generator, seconds: int, begins: Floats | None = None) -> Stream:
        """One run. `begins` of the stalls, where they are not its own (a neighbour's, a node's)."""
        starts = np.sort(rng.random(rng.poisson(self.rate * seconds)) * seconds)
        count = len(starts)
        level = self.level.path(rng, seconds)[starts.astype(np.int64)]
        stalls = self.stalls.begins(rng, seconds) if begins is None else begins
        elapsed = self.factor * (
            level * self.body.draw(rng, count) + 1000 * self.stalls.waits(stalls, starts)
        )
        elapsed += self.sleep * (rng.random(count) < self.sleepers)
        return Stream(seconds, starts, elapsed, rng.random(count) < self.errors)

    def exceedance(self, threshold: float, seconds: int) -> float:
        """The true share of requests that take longer than `threshold` ms or fail, in runs of that length."""
        levels = self.factor * self.level.values(seconds)
        waits = self.factor * 1000 * self.stalls.length * (np.arange(_GRID) + 0.5) / _GRID
        slow = 0.0
        for slept, share in ((0.0, 1 - self.sleepers), (self.sleep, self.sleepers)):
            free = self.body.over((threshold - slept) / levels).mean()
            held = (
                self.body.over((threshold - slept - waits[:, None]) / levels).mean()
                if self.stalls.share
                else 0
            )
            slow += share * ((1 - self.stalls.share) * free + self.stalls.share * held)
        return float(self.errors + (1 - self.errors) * slow)

    def threshold(self, exceedance: float, seconds: int) -> float:
        """The threshold in ms that is exceeded by that share. Raises ValueError if more than that fail."""
        if exceedance <= self.errors:
            raise ValueError(f"{self.errors:.2%} fail, so no threshold is exceeded by {exceedance:.2%}")
        low, high = 0.0, 1e7
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.exceedance(middle, seconds) > exceedance else (low, middle)
        return high


REGIMES: Final[dict[str, Service]] = {
    "independent": Service(),
    "autocorrelated, 10 s": Service(level=Autoregressive(10, 0.15)),
    "autocorrelated, 60 s": Service(level=Autoregressive(60, 0.1)),
    "stalls .2 s / 5 s": Service(stalls=Stalls(0.2, 5)),
    "stalls .5 s / 20 s": Service(stalls=Stalls(0.5, 20)),
    "stalls .5 s / 20 s, Poisson": Service(stalls=Stalls(0.5, 20, jitter=1)),
    "stalls 1 s / 60 s": Service(stalls=Stalls(1, 60)),
    "stalls 1 s / 60 s, Poisson": Service(stalls=Stalls(1, 60, jitter=1)),
    "stalls 3 s / 300 s": Service(stalls=Stalls(3, 300)),
    "stalls 3 s / 300 s, Poisson": Service(stalls=Stalls(3, 300, jitter=1)),
    "cold start": Service(level=ColdStart()),
    "bimodal": Service(body=Bimodal()),
    "drift": Service(level=Drift()),
}
CHANGES: Final[dict[str, dict[str, Any]]] = {  # fields of a Service
    "x1.05": {"factor": 1.05},
    "x1.2": {"factor": 1.2},
    "2 s sleep on 2 %": {"sleepers": 0.02},
    "2 s sleep on all": {"sleepers": 1.0},
    "errors .1 % -> 1 %": {"errors": 0.01},
}


def pair(
    base: Service, candidate: Service, rng: Generator, seconds: int, *, shared: bool = False
) -> Sequence[Stream]:
    """Baseline and candidate loaded at the same time; `shared`: what stalls one stalls the other."""
    begins = base.stalls.begins(rng, seconds) if shared else None
    return base.run(rng, seconds, begins), candidate.run(rng, seconds, begins)
