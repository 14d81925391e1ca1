"""Services and their calls, as numbers. Graphs have no cycle and miss no service: `api` sees to that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

WHOLE: Final = 10**12
"""All requests, in the unit of shares."""


def share(value: Fraction) -> int:
    """A share from 0 to 1 in the unit of shares, rounded up."""
    return ceil(value * WHOLE)


def part(one: int, other: int) -> int:
    """The product of two shares, rounded up."""
    return -(-one * other // WHOLE)


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """At most the share `over` of the requests takes longer than `us` microseconds, or fails."""

    us: int
    over: int


@dataclass(frozen=True, slots=True)
class Retries:
    """Up to `attempts` tries, each given up after `timeout_us`.

    `common`: the share of failed first tries in which all others fail with it, for the same cause.
    """

    attempts: int
    timeout_us: int
    common: int


@dataclass(frozen=True, slots=True)
class Call:
    """`made`: in which share of its caller's requests."""

    to: str
    made: int
    retries: Retries | None = None


Stage = tuple[Call, ...]
"""Calls made at the same time; the stages of a service follow each other."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service, or one endpoint of it.

    `promised`: what holds of its own time, without its calls, from all figures together.
    `measured`: of the measured distribution alone, where there is one; exact at its points.
    `bad`: the share of its own failures, None where nobody says.
    """

    promised: tuple[Point, ...] = ()
    measured: tuple[Point, ...] = ()
    bad: int | None = None
    stages: tuple[Stage, ...] = ()

    def calls(self) -> Iterator[Call]:
        for stage in self.stages:
            yield from stage


Graph = Mapping[str, Service]


def reached(graph: Graph, root: str) -> list[str]:
    """The root and all it reaches; callers before those they call."""
    order: list[str] = []
    seen: set[str] = set()
    stack = [(root, False)]
    while stack:
        name, left = stack.pop()
        if left:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            stack.append((name, True))
            stack.extend((call.to, False) for call in graph[name].calls() if call.to not in seen)
    return order[::-1]


def visits(graph: Graph, root: str) -> dict[str, float]:
    """How often a request to the root comes to each service it reaches, without retries."""
    found = dict.fromkeys(reached(graph, root), 0.0)
    found[root] = 1.0
    for name in found:
        for call in graph[name].calls():
            found[call.to] += found[name] * call.made / WHOLE
    return found


def after_retries(one: int, attempts: int, common: int) -> int:
    """The share that fails in all attempts, where a single one fails in the share `one`.

    With c the common share: c u + (1 - c) u^n. The beta-factor model of reliability, c u + ((1 - c) u)^n, is
    smaller in its second part; this one also holds when the common cause is drawn request by request.
    """
    power = one
    for _ in range(attempts - 1):
        power = part(power, one)
    return min(one, part(common, one) + part(WHOLE - common, power))
