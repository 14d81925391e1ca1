"""The sums behind a verdict, a line for each hop."""

from __future__ import annotations

from dataclasses import dataclass

from devperfops_operator.analysis.callgraph.availability import Failures, call_fails
from devperfops_operator.analysis.callgraph.bounds import Bound, Prover
from devperfops_operator.analysis.callgraph.graph import WHOLE, Call, Graph, part, reached
from devperfops_operator.domain.slo.words import percent, quantile, time


@dataclass(frozen=True, slots=True)
class Line:
    """What a hop brings into the sum.

    `share`: of all requests of the root, in units of 10^-12. `us`: added to the longest way; None where
    another call made at the same time takes longer, or where the sum is about failures. `how`: its own
    figures.
    """

    hop: str
    how: str
    share: float
    us: int | None = None


def latency_lines(graph: Graph, root: str, bound: Bound) -> list[Line]:
    """What the root's bound is made of, each hop once, callers first."""
    place = {name: at for at, name in enumerate(reached(graph, root))}
    uses = sorted(_uses(bound), key=lambda use: place.get(_about(use[0]), -1))
    lines: dict[tuple[str, str], Line] = {}
    for each, use in uses:
        if each.of is None:
            continue
        hop, how = _named(each)
        before = lines.get((hop, how), Line(hop, how, 0.0))
        us = round(use.waited * each.us)
        lines[hop, how] = Line(
            hop,
            how,
            before.share + use.weight * each.over,
            (before.us or 0) + us if use.waited or before.us is not None else None,
        )
    return list(lines.values())


@dataclass(slots=True)
class _Use:
    """`waited`: how often it is on the longest way. `weight`: how often its share counts."""

    waited: float = 0.0
    weight: float = 0.0


def _uses(root: Bound) -> list[tuple[Bound, _Use]]:
    """Each part once, however many ways lead to it."""
    order = _ordered(root)
    uses = {id(each): _Use() for each in order}
    uses[id(root)] = _Use(1.0, 1.0)
    for each in order:
        if each.of is not None:
            continue
        use, longest = uses[id(each)], max(part.us for part in each.parts)
        for inner in each.parts:
            waited = use.waited
            if each.parallel:
                waited, longest = (use.waited, -1) if inner.us == longest else (0.0, longest)
            uses[id(inner)].waited += waited
            uses[id(inner)].weight += use.weight * each.made / WHOLE
    return [(each, uses[id(each)]) for each in order]


def _ordered(root: Bound) -> list[Bound]:
    """Wholes before their parts."""
    order: list[Bound] = []
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        bound, left = stack.pop()
        if left:
            order.append(bound)
        elif id(bound) not in seen:
            seen.add(id(bound))
            stack.append((bound, True))
            if bound.of is None:
                stack.extend((inner, False) for inner in reversed(bound.parts))
    return order[::-1]


def _about(bound: Bound) -> str:
    return bound.of.to if isinstance(bound.of, Call) else bound.of or ""


def _named(bound: Bound) -> tuple[str, str]:
    if isinstance(bound.of, Call):
        if bound.us == 0:
            return f"call of {bound.of.to}", f"made in {percent(bound.of.made)}, counted as over"
        return f"call of {bound.of.to}", f"within {time(bound.us)}, tries included"
    return str(bound.of), f"{quantile(bound.over)} <= {time(bound.us)}"


def failure_lines(graph: Graph, root: str, found: dict[str, Failures], prover: Prover) -> list[Line]:
    """How often each hop fails a request to the root; a call that is tried again counts as one."""
    place = {name: at for at, name in enumerate(reached(graph, root))}
    weights = dict.fromkeys(place, 0.0)
    weights[root] = 1.0
    lines: list[tuple[int, Line]] = []
    for name in weights:  # callers come first, so a weight is whole when its turn comes
        if weight := weights[name]:
            bad = graph[name].bad
            how = "no figure" if bad is None else _times(weight, percent(bad))
            lines.append((place[name], Line(name, how, weight * (bad or 0))))
            for call in graph[name].calls():
                if call.retries is None:
                    weights[call.to] += weight * call.made / WHOLE
                else:
                    lines.append((place[call.to], _tried(call, weight, found, prover)))
    return [line for _, line in sorted(lines, key=lambda each: each[0])]


def _tried(call: Call, weight: float, found: dict[str, Failures], prover: Prover) -> Line:
    retries, fails = call.retries, call_fails(call, found, prover)
    if retries is None or fails is None:
        return Line(f"call of {call.to}", "no figure", 0.0)
    once = found[call.to].most or 0
    cut = prover.over(call.to, retries.timeout_us)
    how = (
        f"fails {percent(once)}, over {time(retries.timeout_us)} {percent(cut)}; "
        f"{retries.attempts} tries: {percent(fails)}"
    )
    return Line(
        f"call of {call.to}", _times(weight * call.made / WHOLE, how), weight * part(call.made, fails)
    )


def _times(weight: float, how: str) -> str:
    return how if weight == 1 else f"{percent(weight * WHOLE)} x {how}"
