"""`spec.coverage` of a gate: what traffic is usual, and how much of it a test must stand for."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import coverage_rules
from devperfops_operator.api.base import ApiModel

LabelName = Annotated[str, Field(max_length=63), coverage_rules.LABEL]
Share = Annotated[str, Field(max_length=8), coverage_rules.SHARE]


class Coverage(ApiModel):
    """The traffic of the test beside production's usual one; a test that covers too little does not pass."""

    validations: ClassVar = (coverage_rules.SOME_LABEL,)

    traffic: Annotated[str, Field(max_length=4096), coverage_rules.COUNTER]
    """The raw counter of production's requests at Prometheus, NAME{...}: its past is what is usual."""
    tested: Annotated[str | None, Field(max_length=4096), coverage_rules.COUNTER] = None
    """The raw counter of the requests to what is tested; by default the same as traffic."""
    by: Annotated[tuple[LabelName, ...], Field(default_factory=tuple, max_length=4)]
    """The labels that make an endpoint, in the order in which they are told: [method, route]."""
    weeks: Annotated[int, coverage_rules.WEEKS] = 2
    """How many weeks back is looked; Prometheus must keep so much."""
    min_volume: Share | None = None
    """The least share of the requests that are usual at this hour of the week."""
    min_endpoints: Share = "90%"
    """The least share of the known endpoints (1 % of the traffic and more) that get enough requests."""
    max_distance: Share | None = None
    """The greatest distance (total variation) of the tested mix of endpoints from the usual one."""
    max_unseen: Share = "5%"
    """The greatest share of the usual traffic whose endpoints get no request."""
