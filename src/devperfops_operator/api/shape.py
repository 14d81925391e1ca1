"""`spec.load.shape` of a gate: a load whose rate changes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import rules, shape_rules
from devperfops_operator.api.base import ApiModel


class Spike(ApiModel):
    """A rush, and the usual rate before and after it; objectives must hold in it and outside of it."""

    factor: Annotated[float, shape_rules.FACTOR]
    """So many times the rate, such as 5."""
    after: Annotated[str, Field(max_length=16), rules.DURATION]
    """How long the usual rate is judged before."""
    length: Annotated[str, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO]
    """How long it lasts."""


class Stress(ApiModel):
    """Steps of equal length and height, from the rate on; objectives must hold at the first.

    At which of the others they held is told.
    """

    factor: Annotated[float, shape_rules.FACTOR]
    """So many times the rate at the last step."""
    steps: Annotated[int, shape_rules.STEPS]
    """How many steps, the one at the rate itself included."""


class Shape(ApiModel):
    """One of them."""

    validations: ClassVar = (shape_rules.ONE_SHAPE,)

    spike: Spike | None = None
    """A rush."""
    stress: Stress | None = None
    """Ever more."""
