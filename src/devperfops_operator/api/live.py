"""`spec.live` of a gate: how long real users' traffic is judged, where no load is played."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import rules
from devperfops_operator.api.base import ApiModel


class Live(ApiModel):
    """Judges what real users send, from Prometheus alone. Durations as in `90s`, `10m`, `1h30m`."""

    validations: ClassVar = (rules.LIVE_WITHIN_A_DAY,)

    duration: Annotated[str, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO]
    """How long the traffic is judged at most, from the end of the rollout on; a day at most.

    A Fail may end it sooner.
    """
