"""The documents of `devperfops profile`: LoadProfile, and the file of seasons. There is no CRD of them yet.

Rates are requests a second. Shares are of 1. Concurrency is requests in flight at once, by Little's law.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from devperfops_operator.api.strict import Metadata, Sentence, Strict, Text

MAX_ENDPOINTS: Final = 200
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_AWAY: Final = 0.01  # by which shares may miss 1: people round what they write by hand


def _finite(value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(f'"{value}" is not a number from 0 on: write for example 12.5')
    return value


def _above(value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f'"{value}" is not a number above 0: write for example 1.2')
    return value


Number = Annotated[float, AfterValidator(_finite)]
Factor = Annotated[float, AfterValidator(_above)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Route = Annotated[str, Field(min_length=1, max_length=4096)]


class Excluded(Strict):
    """Traffic that is not of users: probes, our own load. `rate`: over the whole time."""

    what: Route
    because: Sentence
    rate: Number


class Origin(Strict):
    """Where the figures come from. `names`: whose names of metrics; `by`: the labels of an endpoint.

    `requests`, `durations`: what Prometheus was asked for the rates of, hour by hour.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    prometheus: Annotated[str, Field(max_length=2048)]
    names: Text
    requests: Annotated[str, Field(max_length=4096)]
    durations: Annotated[str | None, Field(max_length=4096)] = None
    by: Annotated[tuple[Text, ...], Field(max_length=4)]
    time_zone: Text = "UTC"
    first: Annotated[AwareDatetime, Field(alias="from")]
    last: Annotated[AwareDatetime, Field(alias="to")]
    made_at: AwareDatetime
    excluded: tuple[Excluded, ...] = ()


class Data(Strict):
    """What there was to make it from. `gaps`: share of the hours without any sample.

    `newest`: when the last hour with samples ended. `doubts`: why it should not be used without a look.
    """

    hours: Annotated[int, Field(ge=1)]
    known: Annotated[int, Field(ge=1)]
    gaps: Share
    newest: AwareDatetime
    doubts: tuple[Sentence, ...] = ()
    notes: tuple[Sentence, ...] = ()


class Peak(Strict):
    """The busiest hour of the week: the median of the weeks, the least and the most of them.

    `burst`: its busiest ten minutes against the hour. `in_flight`: requests at once, by the service's own
    gauge. Both are medians of the weeks, and not there where nobody counts them.
    """

    day: Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    hour: Annotated[int, Field(ge=0, le=23)]
    rate: Factor
    least: Number
    most: Number
    weeks: Annotated[int, Field(ge=1)]
    burst: Factor | None = None
    in_flight: Number | None = None


class Growth(Strict):
    """From one week to the next: a factor, and the least and the most between any two of the weeks."""

    per_week: Factor
    least: Factor
    most: Factor
    weeks: Annotated[int, Field(ge=3)]


class SeasonSource(StrEnum):
    """Seen in the traffic, or written by a person."""

    MEASURED = "Measured"
    DECLARED = "Declared"


class Window(Strict):
    """Days of the year (`from` and `to`, as in 12-15). `factor`: how busy it is, where no traffic tells."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    name: Text
    first: Annotated[Text, Field(alias="from")]
    last: Annotated[Text, Field(alias="to")]
    factor: Factor | None = None


class Seasons(Strict):
    """The file of seasons."""

    seasons: Annotated[tuple[Window, ...], Field(min_length=1, max_length=32)]


class Season(Window):
    """`factor`: its busiest hour of the week against that of all the time; None: nobody knows.

    `hours`: of it in the traffic.
    """

    source: SeasonSource
    hours: Count


class Figures(Strict):
    """Of one endpoint at some time. `mean_ms` and `concurrency` are not there where no durations are."""

    rate: Number
    share: Share
    mean_ms: Number | None = None
    concurrency: Number | None = None


class Endpoint(Strict):
    """`requests`: how many were counted. `peak`: at the busiest hour; `usual`: over the whole time."""

    method: Annotated[str, Field(max_length=64)] = ""
    route: Route
    requests: Count
    peak: Figures
    usual: Figures

    @property
    def name(self) -> str:
        """`GET /cart`, or the route where methods are not told apart."""
        return f"{self.method} {self.route}".strip()


class Next(Strict):
    """What came next. `think_ms`: the median from the answer to this request."""

    endpoint: Route
    share: Share
    count: Count
    think_ms: Number


class After(Strict):
    """After one endpoint: `ends`, the share of sessions that ended there, and what came; the rest is rare."""

    endpoint: Route
    count: Annotated[int, Field(ge=1)]
    ends: Share
    next: Annotated[tuple[Next, ...], Field(max_length=MAX_ENDPOINTS)] = ()


class Start(Strict):
    """Where sessions begin."""

    endpoint: Route
    share: Share


class Sessions(Strict):
    """Of access logs: a Markov chain. `requests`, `seconds`: of a session, on the average.

    `lines` that were read, `unread` ones, and requests `outside` of the profile's endpoints, passed over.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    first: Annotated[AwareDatetime, Field(alias="from")]
    last: Annotated[AwareDatetime, Field(alias="to")]
    lines: Count
    unread: Count
    outside: Count
    sessions: Annotated[int, Field(ge=1)]
    requests: Factor
    seconds: Number
    starts: Annotated[tuple[Start, ...], Field(max_length=MAX_ENDPOINTS)]
    after: Annotated[tuple[After, ...], Field(max_length=MAX_ENDPOINTS)]


class LoadProfileSpec(Strict):
    """`usual`: requests a second over the whole time."""

    origin: Origin
    data: Data
    usual: Factor
    peak: Peak
    growth: Growth | None = None
    seasons: tuple[Season, ...] = ()
    sessions: Sessions | None = None
    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=MAX_ENDPOINTS)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name in ("peak", "usual"):
            whole = sum(getattr(each, name).share for each in self.endpoints)
            if abs(whole - 1) > _AWAY:
                raise ValueError(
                    f"the shares {name}.share of the endpoints add up to {whole:.3g}: they must make 1"
                )
        if self.data.known > self.data.hours:
            raise ValueError("data.known is more than data.hours: write how many of the hours had samples")
        return self


class LoadProfile(Strict):
    """How a service is used, from everyday monitoring."""

    api_version: Literal["devperfops.io/v1alpha1"]
    kind: Literal["LoadProfile"]
    metadata: Metadata
    spec: LoadProfileSpec
