"""Production's traffic beside a document: which operation an endpoint is, and the load that looks like it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from devperfops_operator.scenario.model import Offer, Operation
from devperfops_operator.scenario.plan import Load, Plan
from devperfops_operator.wire.routes import Routes

_LONG: Final = 0.99


@dataclass(frozen=True)
class Endpoint:
    """Requests a second; `method` is empty where methods are not told apart."""

    method: str
    route: str
    rate: float

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}".strip()


@dataclass(frozen=True)
class Matched:
    """`rates`: by operation, of those that somebody calls; `lacking`: endpoints no operation stands for.

    `operations`: by endpoint, those that stand for it.
    """

    rates: Mapping[str, float]
    operations: Mapping[str, str]
    lacking: Sequence[Endpoint]


def match(endpoints: Iterable[Endpoint], offer: Offer) -> Matched:
    """By method and path. A path with values in its gaps is that of the most literal template it fits."""
    rates: defaultdict[str, float] = defaultdict(float)
    operations: dict[str, str] = {}
    lacking: list[Endpoint] = []
    methods = {each.method for each in offer.operations}
    routes = {
        method: Routes({each.path for each in offer.operations if method in {"", each.method}})
        for method in {"", *methods}
    }
    for endpoint in endpoints:
        found = _operation(endpoint, offer, routes)
        if found is None:
            lacking.append(endpoint)
            continue
        operations[endpoint.name] = found.key
        if endpoint.rate > 0:
            rates[found.key] += endpoint.rate
    return Matched(dict(rates), operations, lacking)


def load(plan: Plan, scale: float, stall_s: float) -> Load:
    """With which every operation comes at its own rate, times `scale`; what the plan adds comes besides.

    So many threads that arrivals go on while the target answers nothing for `stall_s`. They start over the
    time of a long iteration: at once all would play beginnings first, and ends only later.
    """
    pace = scale * (plan.pace or 0.0)
    plays = [(step.weight.plays, step.think_ms / 1000) for step in plan.steps]
    arrivals = pace * sum(often for often, _ in plays)
    threads = max(1, _whole(pace * sum(often * (stall_s + think) for often, think in plays)))
    ramp_up = _whole(_long_iteration(plan) * threads / arrivals) if arrivals else 0
    return Load(max(1, round(60 * arrivals)), threads, ramp_up)


def _whole(value: float) -> int:
    """At least so many; what only rounding put above a whole number is that number."""
    return math.ceil(value - 1e-6)


def _long_iteration(plan: Plan) -> int:
    """Requests of an iteration; 99 % of all requests are in such or shorter ones."""
    levels = sorted({step.weight.percent for step in plan.steps})
    shares = [
        (sum(step.weight.times for step in plan.steps if step.weight.percent >= level), level - below)
        for below, level in pairwise([0.0, *levels])
    ]
    left = (1 - _LONG) * sum(length * share for length, share in shares)
    for length, share in shares:  # the rarest iterations are the longest
        left -= length * share
        if left <= 0:
            return length
    return 0


def distance(plan: Plan, rates: Mapping[str, float]) -> float:
    """Total variation of the plan's mix from production's (0 to 1), which has all endpoints in it."""
    played: defaultdict[str, float] = defaultdict(float)
    for step in plan.steps:
        played[step.name] += step.weight.plays
    whole, production = sum(played.values()), sum(rates.values())
    names = played.keys() | rates.keys()
    return sum(abs(played[name] / whole - rates.get(name, 0.0) / production) for name in names) / 2


def _operation(endpoint: Endpoint, offer: Offer, routes: Mapping[str, Routes]) -> Operation | None:
    """None: there is none, or without a method nobody can say which."""
    method = endpoint.method.upper().strip("-")
    if method not in routes:
        return None
    fitting = {
        path
        for route in _spellings(endpoint.route, offer.base_path)
        for path in routes[method].matching(route)
    }
    found = [each for each in offer.operations if each.path in fitting and method in {"", each.method}]
    return found[0] if len(found) == 1 else None


def _spellings(route: str, base_path: str) -> Sequence[str]:
    """As it is, and without what all paths of the document begin with."""
    base = base_path.rstrip("/")
    inner = [route.removeprefix(base)] if base and route.startswith(f"{base}/") else []
    return [route, *inner]
