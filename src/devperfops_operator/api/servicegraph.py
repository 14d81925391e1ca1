"""Services, their calls and figures, and what users were promised: a file, no resource of the cluster yet."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import graph_rules as rules
from devperfops_operator.api import objective_rules
from devperfops_operator.api.base import ApiModel, Name
from devperfops_operator.api.expect import MAX_LENGTH
from devperfops_operator.wire.measurement import LABEL_LENGTH

MAX_SERVICES = 500
_Share = Annotated[str, Field(max_length=16), rules.SHARE]
_Time = Annotated[str, Field(max_length=16), rules.TIME]
_Expect = Annotated[str, Field(max_length=MAX_LENGTH), objective_rules.EXPECT]
_EndpointName = Annotated[str, Field(max_length=LABEL_LENGTH)]


class Source(StrEnum):
    """Where a figure comes from."""

    SLA = "SLA"
    SLO = "SLO"
    MEASURED = "Measured"
    ASSUMED = "Assumed"


class Bucket(ApiModel):
    """One bucket of a histogram, as Prometheus counts: everything up to its edge."""

    le: Annotated[str, Field(max_length=16), rules.EDGE]
    """Up to which time, such as 50ms; +Inf: all."""
    count: Annotated[int, rules.COUNT]
    """Requests that took at most so long."""


class Latency(ApiModel):
    """What is known of a service's own time, without its calls. A failed request is over every time."""

    validations: ClassVar = (rules.ONE_LATENCY, rules.EXPECTS_LATENCY)

    source: Source
    """SLA, SLO, Measured or Assumed; nothing is guaranteed by what is Assumed."""
    expect: _Expect | None = None
    """A promise, such as p99 < 300ms."""
    quantiles: Annotated[dict[str, _Time] | None, Field(max_length=32)] = None
    """A distribution, such as {p50: 20ms, p99: 80ms, p99.9: 300ms, max: 900ms}."""
    histogram: Annotated[tuple[Bucket, ...] | None, Field(max_length=400)] = None
    """A distribution, as Prometheus counts it."""


class Availability(ApiModel):
    """How often a service itself succeeds: without its calls."""

    validations: ClassVar = (rules.EXPECTS_GOOD,)

    source: Source
    """SLA, SLO, Measured or Assumed; nothing is guaranteed by what is Assumed."""
    expect: _Expect
    """Such as good >= 99.9%."""


class Retries(ApiModel):
    """How often a call is tried, and for how long each time."""

    attempts: Annotated[int, rules.ATTEMPTS]
    """All tries, the first one too; 1: a timeout only."""
    timeout: _Time
    """After which a try is given up."""
    common_cause: _Share = "100%"
    """The share of failed first tries whose cause fails all others, too; 100%: trying again never helps."""


class Redundancy(ApiModel):
    """Copies of a service, of which one that works is enough. Its availability is that of one copy."""

    copies: Annotated[int, rules.COPIES]
    common_cause: _Share = "100%"
    """The share of a copy's failures in which all fail; 100%: copies never help."""


class Call(ApiModel):
    """A call of another service, which the caller needs: when it fails, so does the caller."""

    to: Name
    """The service."""
    endpoint: _EndpointName | None = None
    fraction: _Share = "100%"
    """In which share of its caller's requests it is made."""
    cache_hits: _Share = "0%"
    """In which share of these a cache of the caller answers instead."""
    retries: Retries | None = None


class Step(ApiModel):
    """One call, or several at the same time. Steps follow each other."""

    validations: ClassVar = (rules.TO_OR_PARALLEL,)

    to: Name | None = None
    """The service."""
    endpoint: _EndpointName | None = None
    fraction: _Share = "100%"
    """In which share of its caller's requests it is made."""
    cache_hits: _Share = "0%"
    """In which share of these a cache of the caller answers instead."""
    retries: Retries | None = None
    parallel: Annotated[tuple[Call, ...], Field(max_length=64)] = ()
    """Calls made at the same time; the step is as long as the longest of them."""

    def calls(self) -> tuple[Call, ...]:
        if self.to is None:
            return self.parallel
        return (
            Call(
                to=self.to,
                endpoint=self.endpoint,
                fraction=self.fraction,
                cache_hits=self.cache_hits,
                retries=self.retries,
            ),
        )


_Steps = Annotated[tuple[Step, ...], Field(max_length=64)]
_Latencies = Annotated[tuple[Latency, ...], Field(max_length=16)]


class Endpoint(ApiModel):
    """What differs from its service at one endpoint; the rest is as the service has it."""

    name: _EndpointName
    latency: _Latencies | None = None
    availability: Availability | None = None
    calls: _Steps | None = None


class Service(ApiModel):
    """A service, its own figures and what it calls."""

    name: Name
    latency: _Latencies = ()
    """Of its own time, without its calls. Several hold together."""
    availability: Availability | None = None
    redundancy: Redundancy | None = None
    calls: _Steps = ()
    """What one request makes it call, one after the other."""
    endpoints: Annotated[tuple[Endpoint, ...], Field(max_length=64)] = ()


class Root(ApiModel):
    """Where users come in, and what they were promised."""

    service: Name
    endpoint: _EndpointName | None = None
    sla: Annotated[tuple[_Expect, ...], Field(max_length=16), rules.SLA]
    """Such as p99 < 2s and good >= 99.9%."""


class ServiceGraphSpec(ApiModel):
    roots: Annotated[tuple[Root, ...], Field(max_length=64), rules.ROOTS]
    services: Annotated[tuple[Service, ...], Field(max_length=MAX_SERVICES)]


class ServiceGraph(ApiModel):
    """Services, their calls and figures, and what was promised to users."""

    spec: ServiceGraphSpec
