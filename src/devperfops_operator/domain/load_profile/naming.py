"""What a service's metrics are called: the usual conventions, and which of them a Prometheus has."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from devperfops_operator.domain.errors import InvalidSpec

_COUNTER: Final = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{([^\n]*)\}\s*)?")
_MATCHER: Final = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|=)\s*("(?:[^"\\]|\\.)*")\s*')
_COUNT: Final = "_count"
_MILLISECONDS: Final = ("_milliseconds", "_millis", "_ms")
_ROUTES: Final = ("route", "handler", "path", "uri", "endpoint")


@dataclass(frozen=True, slots=True)
class Naming:
    """One service's. `durations`: of a histogram or summary, without `_sum`; `by`: labels of an endpoint.

    `matchers`: of all its series, as in a selector.
    """

    names: str
    requests: str
    durations: str | None
    by: tuple[str, ...]
    matchers: tuple[str, ...] = ()
    routes: bool = True
    """Whether endpoints are told apart at all."""
    in_flight: str | None = None
    """The gauge of requests that are being served, if there is one."""

    @property
    def timed_separately(self) -> bool:
        """Whether the requests whose time is known are counted elsewhere than the requests."""
        return self.durations is not None and self.requests != f"{self.durations}{_COUNT}"

    @property
    def second(self) -> float:
        """How many units of the durations make a second."""
        return 1_000.0 if self.durations and self.durations.endswith(_MILLISECONDS) else 1.0

    def selector(self, metric: str, *more: str) -> str:
        """`metric{...}` with its matchers and some more."""
        matchers = ",".join((*self.matchers, *more))
        return f"{metric}{{{matchers}}}" if matchers else metric

    def endpoint(self, labels: Mapping[str, str]) -> tuple[str, str]:
        """Method (empty if there is none) and route; `-` for what a series does not tell."""
        method = " ".join(labels.get(label) or "-" for label in self.by if label not in self._places)
        return method, " ".join(labels.get(label) or "-" for label in self._places) or "-"

    def without_routes(self, routes: Collection[str]) -> Naming:
        """Asked for the other endpoints only; where a route is made of several labels: for all."""
        if len(self._places) != 1 or not routes:
            return self
        pattern = json.dumps(f"(?:{'|'.join(map(re.escape, sorted(routes)))})/?")
        return replace(self, matchers=(*self.matchers, f"{self._places[0]}!~{pattern}"))

    @property
    def _places(self) -> Sequence[str]:
        """The labels that make a route."""
        return [label for label in self.by if "method" not in label]


@dataclass(frozen=True, slots=True)
class Convention:
    """Names that many services share. `methods`, `routes`: labels, the best first.

    `services`: in place of routes, where none are counted.
    """

    name: str
    requests: str
    durations: str
    methods: tuple[str, ...]
    routes: tuple[str, ...]
    services: tuple[str, ...] = ()
    matchers: tuple[str, ...] = ()
    in_flight: str | None = None

    @property
    def labels(self) -> Sequence[str]:
        return (*self.methods, *self.routes, *self.services)


CONVENTIONS: Final = (
    Convention(
        "OpenTelemetry",
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds",
        ("http_request_method",),
        ("http_route",),
        in_flight="http_server_active_requests",
    ),
    Convention(
        "OpenTelemetry before 1.20",
        "http_server_duration_milliseconds_count",
        "http_server_duration_milliseconds",
        ("http_method",),
        ("http_route", "http_target"),
    ),
    Convention(
        "generic", "http_requests_total", "http_request_duration_seconds", ("method", "verb"), _ROUTES
    ),
    Convention(
        "generic histogram",
        "http_request_duration_seconds_count",
        "http_request_duration_seconds",
        ("method", "verb"),
        _ROUTES,
    ),
    Convention(
        "sock-shop", "request_duration_seconds_count", "request_duration_seconds", ("method",), _ROUTES
    ),
    Convention(
        "ingress-nginx",
        "nginx_ingress_controller_requests",
        "nginx_ingress_controller_request_duration_seconds",
        ("method",),
        ("path",),
    ),
    Convention(
        "Istio",
        "istio_requests_total",
        "istio_request_duration_milliseconds",
        (),
        (),
        services=("destination_canonical_service", "destination_service_name"),
        matchers=('reporter="destination"',),
    ),
)
"""The best first: those whose labels are routes by their own rules before those that may be paths."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken, and why, in words."""

    naming: Naming
    why: str


def choose(found: Mapping[str, Collection[str]], matchers: Sequence[str] = ()) -> Choice:
    """From the counters that there are, by name, and those of the conventions' labels that they have.

    Raises:
        InvalidSpec: none of them tells endpoints apart.
    """
    fitting = [each for each in CONVENTIONS if each.requests in found]
    usable = [(each, by) for each in fitting if (by := _by(each, found[each.requests]))]
    if not usable:
        raise InvalidSpec("--requests", _nothing(fitting, matchers))
    taken, by = usable[0]
    naming = Naming(
        names=taken.name,
        requests=taken.requests,
        durations=taken.durations,
        by=by,
        matchers=(*taken.matchers, *matchers),
        routes=bool(taken.routes),
        in_flight=taken.in_flight,
    )
    others = [each.requests for each, _ in usable[1:]]
    why = f"{taken.requests} ({taken.name}) is there, with the labels {', '.join(by)}"
    if others:
        why += f"; it goes before {', '.join(others)}, which would do, too: --requests takes another"
    return Choice(naming, why)


def given(
    requests: str,
    durations: str | None,
    by: Sequence[str],
    matchers: Sequence[str],
    field: str = "--requests",
) -> Naming:
    """From a counter that somebody names, NAME or NAME{...}.

    Raises:
        InvalidSpec: it is no counter, or no label says what an endpoint is.
    """
    parts = _COUNTER.fullmatch(requests)
    if parts is None:
        raise InvalidSpec(
            field,
            f'"{requests}" is not a raw counter: write its name and labels, as in '
            'requests_total{app="cart"}',
        )
    name, inner = parts[1], parts[2]
    known = next((each for each in CONVENTIONS if each.requests == name), None)
    labels = tuple(by) or (_by(known, known.labels) if known is not None else ())
    if not labels:
        raise InvalidSpec(
            "--by",
            f"no label of {name} is known to say what an endpoint is: write them, as in --by method,route",
        )
    if durations is None:
        durations = known.durations if known is not None else _base(name)
    return Naming(
        names="given",
        requests=name,
        durations=durations,
        by=labels,
        matchers=(*((inner.strip().rstrip(","),) if inner and inner.strip() else ()), *matchers),
    )


def without(naming: Naming, excluded: Sequence[str]) -> Naming:
    """The same without what these matchers match, such as user_agent=~"Apache.*".

    Raises:
        InvalidSpec: one of them is no such matcher.
    """
    return replace(naming, matchers=(*naming.matchers, *map(_inverted, excluded)))


def _inverted(matcher: str) -> str:
    parts = _MATCHER.fullmatch(matcher)
    if parts is None:
        raise InvalidSpec(
            "--exclude", f'\'{matcher}\' is not a matcher: write LABEL="VALUE" or LABEL=~"REGEX"'
        )
    label, operator, value = parts.groups()
    return f"{label}{'!=' if operator == '=' else '!~'}{value}"


def _by(convention: Convention, labels: Collection[str]) -> tuple[str, ...]:
    """One label of each kind; empty if endpoints cannot be told apart."""
    method = [label for label in convention.methods if label in labels][:1]
    place = [label for label in (*convention.routes, *convention.services) if label in labels][:1]
    return (*method, *place) if place else ()


def _base(counter: str) -> str | None:
    return counter.removesuffix(_COUNT) if counter.endswith(_COUNT) else None


def _nothing(fitting: Sequence[Convention], matchers: Sequence[str]) -> str:
    within = f" with {', '.join(matchers)}" if matchers else ""
    told = "; name the counter of requests and its labels: --requests NAME --by method,route"
    if fitting:
        lacking = "; ".join(f"{each.requests} has none of {', '.join(each.routes)}" for each in fitting)
        return f"no endpoints are told apart{within}: {lacking}{told}"
    looked = ", ".join(each.requests for each in CONVENTIONS)
    return f"none of the counters looked for is there{within}, up to the last full hour: {looked}{told}"
