"""The tested traffic beside the usual one, and what a request takes of metered limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Line, Sentence, Word
from devperfops_operator.api.consumption import MAX_METERED
from devperfops_operator.api.perfrun.resolved import RequestPeakStatus

MAX_ENDPOINTS = 20


class EndpointStatus(ApiModel):
    """An endpoint of the usual traffic, and the requests it got."""

    name: Line
    weight: Word  # of the usual traffic: "12.5%"
    requests: int
    needed: int = 0  # 0: it is too rare to need any of its own


class CoverageStatus(ApiModel):
    """The tested traffic beside the usual one. Shares are texts; None: nothing is known of the past."""

    requests: int
    usual: int | None = None  # requests in the same time
    volume: Word | None = None  # of those
    exercised: Word  # share of the known endpoints that got enough
    known: int  # how many these are
    distance: Word | None = None  # of the mixes
    chance: Word  # distance of equal mixes by chance, at most
    unseen: Word  # share of the usual traffic whose endpoints got nothing
    endpoints: Annotated[tuple[EndpointStatus, ...], Field(max_length=MAX_ENDPOINTS)] = ()  # the worst first
    unmapped: Annotated[tuple[Line, ...], Field(max_length=MAX_ENDPOINTS)] = ()  # labels of no known endpoint


MAX_FORECASTS = 64


class FigureStatus(ApiModel):
    """What one request takes of a limit, in calls or processor seconds; of memory, all that was in use."""

    name: Line  # of the limit, with its service and dimensions
    counts: Word
    series: Annotated[str, Field(max_length=4096)] | None = None  # that was counted
    per_request: Word | None = None  # None: not known
    least: Word | None = None
    most: Word | None = None
    rate: Word | None = None  # of the requests, a second
    before: Word | None = None  # at the last known-good revision
    told: Line | None = None  # as a person would say it
    doubts: Annotated[tuple[Line, ...], Field(max_length=8)] = ()  # why it is no measurement


class ForecastStatus(ApiModel):
    """What the revision needs of a limit at a peak, and what serving grants."""

    name: Line
    verdict: Word
    asked: Line | None = None
    granted: Line | None = None
    message: Sentence


class ConsumptionStatus(ApiModel):
    """What this revision's requests take of metered limits, and what that makes at production's peak."""

    figures: Annotated[tuple[FigureStatus, ...], Field(max_length=MAX_METERED)] = ()
    peaks: Annotated[tuple[RequestPeakStatus, ...], Field(max_length=2)] = ()  # without those of the policy
    forecasts: Annotated[tuple[ForecastStatus, ...], Field(max_length=MAX_FORECASTS)] = ()
    gap: Sentence | None = None  # why there are no figures
