"""The load that is played, or the time in which real traffic is watched."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Line, Name, Timestamp, Word
from devperfops_operator.wire.measurement import LEVELS


class LevelStatus(ApiModel):
    """One rate of a load's shape. `held`: whether the objectives did there; None: not known yet."""

    name: Word
    planned_rate: Word
    achieved_rate: Word | None = None
    samples: int = 0
    held: bool | None = None
    message: Line | None = None  # why they did not


class LoadStatus(ApiModel):
    """Offered against achieved load. Rates per minute, as text `2987/m`."""

    threads: int
    workers: int = 1  # that these threads are divided among
    host: Name | None = None  # where the load is to go; None: begun by an older operator
    planned_rate: Word | None = None
    achieved_rate: Word | None = None
    samples: int = 0
    judged_samples: int = 0
    errors: int = 0
    progress_at: Timestamp | None = None  # when these figures were taken
    start_at: Timestamp | None = None  # when the workers were told to start
    judged_from: Timestamp | None = None  # first row of all + rampUp
    ends_at: Timestamp | None = None  # at the latest
    planned_end_at: Timestamp | None = None  # when it was seen whether it must go on; None: it may not
    ended_at: Timestamp | None = None
    stop_requested_at: Timestamp | None = None
    levels: Annotated[
        tuple[LevelStatus, ...], Field(max_length=LEVELS)
    ] = ()  # of one with a shape, at its end


class LiveStatus(ApiModel):
    """The time in which real users' traffic is judged."""

    judged_from: Timestamp
    ends_at: Timestamp  # planned
    progress_at: Timestamp | None = None  # when the objectives' figures were taken
    ended_at: Timestamp | None = None
