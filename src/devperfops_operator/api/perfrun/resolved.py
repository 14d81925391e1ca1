"""What a run took from elsewhere when it began: a load profile, limits from SLOs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Line, Name, Sentence, Word
from devperfops_operator.api.load_profile import MAX_ENDPOINTS as PROFILE_ENDPOINTS
from devperfops_operator.api.objective import MAX_OBJECTIVES
from devperfops_operator.api.perfrun.objective import ObjectiveName
from devperfops_operator.wire.measurement import LABEL_LENGTH


class RequestPeakStatus(ApiModel):
    """The most requests that production has."""

    per_second: Word
    because: Sentence
    first: Word | None = None  # day of each year
    last: Word | None = None
    assumed: Line | None = None  # why nobody has measured it


class ProfileEndpoint(ApiModel):
    """An endpoint of a load profile, by its share of the busiest hour's requests."""

    name: Annotated[str, Field(max_length=LABEL_LENGTH)]
    per_million: int


class LoadModelStatus(ApiModel):
    """What the gate's load profile asks for; `message`: where that comes from."""

    rate: Word
    threads: int
    message: Sentence
    peak: RequestPeakStatus | None = None  # production's, without scale; None: read by an older operator

    usual_rate: Word | None = None  # of the busiest hour; None: of an older operator
    endpoints: Annotated[tuple[ProfileEndpoint, ...], Field(max_length=PROFILE_ENDPOINTS)] = ()


class ResolvedObjective(ApiModel):
    """The limit of the objective at `index` of the gate."""

    index: int
    expect: ObjectiveName
    slo: Name


class ResolvedStatus(ApiModel):
    """What the gate leaves to other documents, as the run read it when it prepared."""

    load: LoadModelStatus | None = None
    objectives: Annotated[tuple[ResolvedObjective, ...], Field(max_length=MAX_OBJECTIVES)] = ()
    sla: Sentence | None = None  # which SLA the objectives contradict, or why that is not known
