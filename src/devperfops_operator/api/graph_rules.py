"""The rules of a ServiceGraph: of its fields, and of the graph as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, Final

from devperfops_operator.api.documents import Path
from devperfops_operator.api.expect import COMPARES
from devperfops_operator.api.rules import Rule, not_empty

INFINITY: Final = "+Inf"
MAX_TRIES: Final = 10
_TIME: Final = r"([0-9]{1,7}(\.[0-9]{1,3})?ms|[0-9]{1,4}(\.[0-9]{1,3})?s)"
_HUNDREDTHS: Final = r"(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)%"
_QUANTILE: Final = r"p[0-9]{1,2}(\.[0-9]{1,4})?|max"

SHARE: Final = Rule.matching(
    f"^{_HUNDREDTHS}$", '"{self}" is no share: write a percentage from 0% to 100%, such as 60%'
)
TIME: Final = Rule.matching(
    f"^{_TIME}$", '"{self}" is not a time: write milliseconds or seconds, such as 300ms, 0.5ms or 1.5s'
)
EDGE: Final = Rule.matching(
    rf"^({_TIME}|\+Inf)$", '"{self}" is not the edge of a bucket: write a time, such as 50ms, or +Inf'
)
COUNT: Final = Rule.of("self >= 0", lambda value: value >= 0, "a count cannot be negative: write 0 or more")
ATTEMPTS: Final = Rule.of(
    f"self >= 1 && self <= {MAX_TRIES}",
    lambda value: 1 <= value <= MAX_TRIES,
    f"attempts must lie between 1 and {MAX_TRIES}: write all tries, the first one too, such as 2",
)
COPIES: Final = Rule.of(
    f"self >= 1 && self <= {MAX_TRIES}",
    lambda value: 1 <= value <= MAX_TRIES,
    f"copies must lie between 1 and {MAX_TRIES}: write how many of the service run, such as 2",
)
SLA: Final = Rule.of(
    "self.size() > 0 && self.all(each, each.matches('^ *(p|good)') && !each.matches('baseline|past'))",
    lambda sla: (
        bool(sla) and all(re.match("^ *(p|good)", each) and not re.search(COMPARES, each) for each in sla)
    ),
    "must promise a time or a share of good requests: write for example [p99 < 2s, good >= 99.9%]",
)
ROOTS: Final = not_empty("is empty: write where users come in, such as {service: front-end, sla: [p99 < 2s]}")


def _kinds(latency: Mapping[str, Any]) -> int:
    return sum(latency.get(kind) is not None for kind in ("expect", "quantiles", "histogram"))


def milliseconds(text: str) -> float:
    """Of a text that EDGE lets through."""
    if text == INFINITY:
        return inf
    number = float(text.rstrip("ms"))
    return number if text.endswith("ms") else 1000 * number


ONE_LATENCY: Final = Rule.of(
    "[has(self.expect), has(self.quantiles), has(self.histogram)].filter(each, each).size() == 1",
    lambda latency: _kinds(latency) == 1,
    "write exactly one of expect, quantiles and histogram",
)
EXPECTS_LATENCY: Final = Rule.of(
    "!has(self.expect) || self.expect.matches('^ *p') && !self.expect.matches('baseline|past')",
    lambda latency: (
        latency.get("expect") is None
        or (re.match("^ *p", latency["expect"]) is not None and not re.search(COMPARES, latency["expect"]))
    ),
    '"{self.expect}" promises no time: write for example p99 < 300ms',
    field="expect",
)
EXPECTS_GOOD: Final = Rule.of(
    "self.expect.matches('^ *good')",
    lambda availability: re.match("^ *good", availability["expect"]) is not None,
    '"{self.expect}" is no share of good requests: write for example good >= 99.9%',
    field="expect",
)
TO_OR_PARALLEL: Final = Rule.of(
    "has(self.to) != (self.parallel.size() > 0)",
    lambda step: (step.get("to") is not None) != bool(step["parallel"]),
    "write either to: SERVICE, or parallel: [{to: SERVICE}, ...]",
)


def quantile_rank(name: str) -> float:
    """`p99.9` as 99.9, `max` as 100."""
    return 100.0 if name == "max" else float(name.removeprefix("p"))


# The graph as a whole


def graph_problems(graph: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What is wrong with a graph whose fields are right each for itself."""
    spec = graph["spec"]
    known = _endpoints(spec["services"])
    problems = [*_distributions(spec["services"]), *_twice(spec["services"]), *_missing(spec, known)]
    yield from problems
    if not problems:
        yield from _cycle(spec["services"])


def _distributions(services: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    for index, service in enumerate(services):
        path: Path = ("spec", "services", index)
        yield from _figures((*path, "latency"), service["latency"])
        for at, endpoint in enumerate(service["endpoints"]):
            yield from _figures((*path, "endpoints", at, "latency"), endpoint.get("latency") or ())


def _figures(path: Path, latencies: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    for index, latency in enumerate(latencies):
        if latency.get("quantiles") is not None:
            for problem in _quantiles_problems(latency["quantiles"]):
                yield (*path, index, "quantiles"), problem
        if latency.get("histogram") is not None and not _counts_up(latency["histogram"]):
            yield (
                (*path, index, "histogram"),
                (
                    "does not count as Prometheus does: write ascending edges, at each the count of "
                    "everything up to it, and at the end {le: +Inf, count: ...} of all requests, more than 0"
                ),
            )


def _quantiles_problems(quantiles: Mapping[str, str]) -> Iterator[str]:
    wrong = [name for name in quantiles if re.fullmatch(_QUANTILE, name) is None]
    if not quantiles:
        yield "is empty: write for example {p50: 20ms, p99: 80ms}"
    elif wrong:
        yield f'"{wrong[0]}" is no quantile: write for example p50, p99.9 or max'
    else:
        for before, after in pairwise(sorted(quantiles, key=quantile_rank)):
            if milliseconds(quantiles[before]) > milliseconds(quantiles[after]):
                yield f"{after} ({quantiles[after]}) is below {before} ({quantiles[before]}): correct one"


def _counts_up(buckets: Sequence[Mapping[str, Any]]) -> bool:
    edges = [milliseconds(bucket["le"]) for bucket in buckets]
    counts = [bucket["count"] for bucket in buckets]
    return (
        all(one < other for one, other in pairwise(edges))
        and all(one <= other for one, other in pairwise(counts))
        and edges[-1:] == [inf]
        and counts[-1] > 0
    )


def _endpoints(services: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    return {service["name"]: [each["name"] for each in service["endpoints"]] for service in services}


def _twice(services: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for index, service in enumerate(services):
        path: Path = ("spec", "services", index)
        if service["name"] in seen:
            yield (*path, "name"), f"{service['name']} is there twice: write all its figures in one place"
        seen.add(service["name"])
        names = [each["name"] for each in service["endpoints"]]
        for at, name in enumerate(names):
            if name in names[:at]:
                yield (*path, "endpoints", at, "name"), f"{name} is there twice: leave one of them out"


def _missing(spec: Mapping[str, Any], known: Mapping[str, list[str]]) -> Iterator[tuple[Path, str]]:
    for index, root in enumerate(spec["roots"]):
        yield from _unknown(("spec", "roots", index), "service", root, known)
    for path, call in _calls(spec["services"]):
        yield from _unknown(path, "to", call, known)


def _unknown(
    path: Path, field: str, use: Mapping[str, Any], known: Mapping[str, list[str]]
) -> Iterator[tuple[Path, str]]:
    name, endpoint = use[field], use.get("endpoint")
    if name not in known:
        yield (*path, field), f"there is no service {name}: write it under spec.services, or correct the name"
    elif endpoint is not None and endpoint not in known[name]:
        yield (
            (*path, "endpoint"),
            f"{name} has no endpoint {endpoint}: write it under its endpoints, or leave it out",
        )


def _calls(services: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, service in enumerate(services):
        path: Path = ("spec", "services", index)
        yield from _steps((*path, "calls"), service["calls"])
        for at, endpoint in enumerate(service["endpoints"]):
            yield from _steps((*path, "endpoints", at, "calls"), endpoint.get("calls") or ())


def _steps(path: Path, steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, step in enumerate(steps):
        if step.get("to") is not None:
            yield (*path, index), step
        for at, call in enumerate(step["parallel"]):
            yield (*path, index, "parallel", at), call


_Key = tuple[str, str | None]


def _cycle(services: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    """The first one found, in the order of the file."""
    calls = _called(services)
    done: set[_Key] = set()
    for start in calls:
        way: list[_Key] = []
        stack: list[tuple[_Key, Path]] = [(start, ())]
        while stack:
            key, path = stack.pop()
            if way and way[-1] == key:
                done.add(way.pop())
            elif key in way:
                names = " -> ".join(key_name(*each) for each in [*way[way.index(key) :], key])
                yield path, f"{names} is a cycle, whose time has no end: take one of these calls out"
                return
            elif key not in done:
                way.append(key)
                stack.append((key, path))
                stack.extend(reversed(calls[key]))


def _called(services: Sequence[Mapping[str, Any]]) -> dict[_Key, list[tuple[_Key, Path]]]:
    found: dict[_Key, list[tuple[_Key, Path]]] = {}
    for index, service in enumerate(services):
        path: Path = ("spec", "services", index)
        own = list(_steps((*path, "calls"), service["calls"]))
        found[service["name"], None] = _targets(own)
        for at, endpoint in enumerate(service["endpoints"]):
            steps = endpoint.get("calls")
            calls = own if steps is None else list(_steps((*path, "endpoints", at, "calls"), steps))
            found[service["name"], endpoint["name"]] = _targets(calls)
    return found


def _targets(calls: Sequence[tuple[Path, Mapping[str, Any]]]) -> list[tuple[_Key, Path]]:
    return [((call["to"], call.get("endpoint")), path) for path, call in calls]


def key_name(service: str, endpoint: str | None) -> str:
    """How people call a service or one endpoint of it."""
    return service if endpoint is None else f"{service} {endpoint}"
