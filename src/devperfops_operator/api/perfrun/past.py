"""What earlier runs told when this one began."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel
from devperfops_operator.api.perfrun.objective import MAX_SCATTERS, ObjectiveName, ScatterStatus


class WholeRunsStatus(ApiModel):
    """Of earlier runs those that went on to their planned end, as they vary from each other."""

    runs: int
    samples: int
    independent_samples: int


class PastStatus(ApiModel):
    """What earlier runs counted for an objective, and how many independent samples that was worth."""

    name: ObjectiveName
    runs: int
    samples: int
    independent_samples: int
    long_range_percent: int = 100  # how much more the runs vary than each of them sees
    between_percent: int = 100  # how much more the runs vary than if each sample were on its own
    scatter: Annotated[tuple[ScatterStatus, ...], Field(max_length=MAX_SCATTERS)] = ()
    whole: WholeRunsStatus | None = None  # None: too few to tell


MAX_PAST_TIMES = 100


class PastTimesStatus(ApiModel):
    """The percentile of earlier runs, for an objective that compares with them.

    `samples`: of one of them, on average.
    """

    name: ObjectiveName
    times_ms: Annotated[tuple[int, ...], Field(max_length=MAX_PAST_TIMES)] = ()
    samples: int = 0


class PastComparedStatus(ApiModel):
    """What earlier runs tell of an objective that compares with a baseline."""

    name: ObjectiveName
    runs: int
    blocks: int  # of a run that went on to its planned end, on average
    scatter: Annotated[tuple[ScatterStatus, ...], Field(max_length=MAX_SCATTERS)] = ()
    whole_percent: int | None = None  # how much more such runs vary, at most; None: too few to tell
