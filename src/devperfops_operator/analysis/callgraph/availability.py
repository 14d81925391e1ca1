"""How often a request fails because something on its way does."""

from __future__ import annotations

from dataclasses import dataclass

from devperfops_operator.analysis.callgraph.bounds import Prover
from devperfops_operator.analysis.callgraph.graph import WHOLE, Call, Graph, after_retries, part, reached


@dataclass(frozen=True, slots=True)
class Failures:
    """Of a service and all it calls.

    `most`: whatever fails together; None where a figure is missing. `likely`: if failures are independent,
    no timeout cuts a call, and services of which nothing is known never fail.
    """

    most: int | None
    likely: int


def failures(graph: Graph, root: str) -> dict[str, Failures]:
    """Of the root and everything it reaches. A service fails when it or a call it makes does."""
    found: dict[str, Failures] = {}
    prover = timeout_prover(graph)
    for name in reversed(reached(graph, root)):
        service = graph[name]
        calls = list(service.calls())
        found[name] = Failures(
            _sum([service.bad, *(_made(call, call_fails(call, found, prover)) for call in calls)]),
            _product([service.bad or 0, *(_likely(call, found) for call in calls)]),
        )
    return found


def call_fails(call: Call, found: dict[str, Failures], prover: Prover) -> int | None:
    """At most in which share of the calls made all tries fail or are cut by their timeout."""
    once = found[call.to].most
    if once is None or call.retries is None:
        return once
    cut = min(WHOLE, once + prover.over(call.to, call.retries.timeout_us))
    return after_retries(cut, call.retries.attempts, call.retries.common)


def timeout_prover(graph: Graph) -> Prover:
    """Tells how often calls are cut by their timeouts."""
    return Prover(graph, _longest_timeout(graph))


def _likely(call: Call, found: dict[str, Failures]) -> int:
    once = found[call.to].likely
    if call.retries is not None:
        once = after_retries(once, call.retries.attempts, call.retries.common)
    return part(call.made, once)


def _made(call: Call, fails: int | None) -> int | None:
    return None if fails is None else part(call.made, fails)


def _sum(shares: list[int | None]) -> int | None:
    known = [each for each in shares if each is not None]
    return min(WHOLE, sum(known)) if len(known) == len(shares) else None


def _product(shares: list[int]) -> int:
    """1 - (1 - a)(1 - b)..., in the same order however the graph is written."""
    good = WHOLE
    for each in sorted(shares):
        good = part(good, WHOLE - each)
    return WHOLE - good


def _longest_timeout(graph: Graph) -> int:
    calls = [call for service in graph.values() for call in service.calls()]
    return max((call.retries.timeout_us for call in calls if call.retries is not None), default=0)
