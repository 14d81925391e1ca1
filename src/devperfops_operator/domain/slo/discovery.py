"""A first ServiceGraph from what a mesh or a tracing backend counts: who calls whom, how often, how well.

Such times hold a service's calls, too. So they are written as promises, which errs on the safe side, and not
as distributions, which would count calls twice. Failures are a service's own where those of its calls do not
explain them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any, Final

OUTSIDE: Final = frozenset({"", "user", "unknown"})
"""How callers are called that are no services."""
_TOLD: Final = 0.1  # what more requests exceed is no objective
_FIGURES: Final = 8
_FINEST: Final = 99.9999


@dataclass(frozen=True, slots=True)
class Seen:
    """Requests of some time. `calls`, `failed`: by caller and service; `buckets`: by service, up to a ms."""

    calls: Mapping[tuple[str, str], float]
    failed: Mapping[tuple[str, str], float]
    buckets: Mapping[str, Mapping[float, float]] = field(default_factory=dict)


def discovered(seen: Seen, name: str, sla: Sequence[str]) -> dict[str, Any]:
    """The document. Its roots are the services that no other one calls, or that are called from outside."""
    names = sorted({each for pair in seen.calls for each in pair} - OUTSIDE)
    inner = {server for client, server in seen.calls if client not in OUTSIDE}
    outer = {server for client, server in seen.calls if client in OUTSIDE}
    return {
        "apiVersion": "devperfops.io/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"name": name},
        "spec": {
            "roots": [
                {"service": each, "sla": list(sla)} for each in names if each in outer or each not in inner
            ],
            "services": [_service(seen, each) for each in names],
        },
    }


def _service(seen: Seen, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name}
    latency = list(_latency(seen.buckets.get(name, {})))
    if latency:
        found["latency"] = latency
    bad = _own_failures(seen, name)
    if bad is not None:
        good = min(_FINEST, _down(100 * (1 - bad)))
        found["availability"] = {"source": "Measured", "expect": f"good >= {good:g}%"}
    calls = [step for each in _callees(seen, name) for step in _steps(each, _often(seen, name, each))]
    return found | ({"calls": calls} if calls else {})


def _latency(buckets: Mapping[float, float]) -> Iterator[dict[str, str]]:
    """Each finite edge that few requests exceed."""
    total = max(buckets.values(), default=0)
    edges = [(edge, count) for edge, count in sorted(buckets.items()) if edge < float("inf") and total]
    told = [(edge, count / total) for edge, count in edges if count / total >= 1 - _TOLD]
    for edge, within in told[:_FIGURES]:
        percentile = min(_FINEST, _down(100 * within))
        yield {"source": "Measured", "expect": f"p{percentile:g} <= {max(1, round(edge))}ms"}


def _callees(seen: Seen, name: str) -> list[str]:
    return sorted(server for client, server in seen.calls if client == name)


def _requests(counts: Mapping[tuple[str, str], float], name: str) -> float:
    return sum(count for (_, server), count in counts.items() if server == name)


def _often(seen: Seen, client: str, server: str) -> float:
    """Calls for each request; 1 where nobody counted the requests."""
    requests = _requests(seen.calls, client)
    return seen.calls[client, server] / requests if requests else 1.0


def _steps(server: str, often: float) -> Iterator[dict[str, Any]]:
    """A call made more than once is written as several."""
    for _ in range(floor(often + 5e-3)):
        yield {"to": server}
    rest = often - floor(often + 5e-3)
    if rest >= 5e-5:  # noqa: PLR2004  shares are told to a hundredth of a percent
        yield {"to": server, "fraction": f"{100 * rest:.2f}%"}


def _failing(seen: Seen, name: str) -> float | None:
    requests = _requests(seen.calls, name)
    return _requests(seen.failed, name) / requests if requests else None


def _own_failures(seen: Seen, name: str) -> float | None:
    failing = _failing(seen, name)
    if failing is None:
        return None
    called = sum(_often(seen, name, each) * (_failing(seen, each) or 0) for each in _callees(seen, name))
    return max(0.0, failing - called)


def _down(percent: float) -> float:
    return floor(percent * 10_000 + 1e-6) / 10_000
