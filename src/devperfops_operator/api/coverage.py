"""`spec.coverage` of a gate: what traffic is usual, and how much of it a test must stand for."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import coverage_rules, rules
from devperfops_operator.api.base import ApiModel
from devperfops_operator.wire.measurement import LABEL_LENGTH

LabelName = Annotated[str, Field(max_length=63), coverage_rules.LABEL]
Share = Annotated[str, Field(max_length=8), coverage_rules.SHARE]


class LabelEndpoint(ApiModel):
    """What JMeter calls an endpoint of the load profile."""

    label: Annotated[
        str,
        Field(max_length=LABEL_LENGTH),
        rules.not_empty("is empty: write the name of a sampler, such as Add to cart"),
    ]
    """The sampler's name."""
    endpoint: Annotated[
        str,
        Field(max_length=LABEL_LENGTH),
        rules.not_empty("is empty: write an endpoint as the profile has it, such as POST /cart"),
    ]
    """Method and route as in the profile."""


class Coverage(ApiModel):
    """The traffic of the test beside production's usual one; a test that covers too little does not pass."""

    validations: ClassVar = (coverage_rules.SOME_LABEL, coverage_rules.LABELS_OF_JMETER)

    traffic: Annotated[str | None, Field(max_length=4096), coverage_rules.COUNTER] = None
    """The raw counter of production's requests at Prometheus, NAME{...}: its past is what is usual.

    Without it load.profile says what is usual: its busiest hour.
    """
    tested: Annotated[str | None, Field(max_length=4096), coverage_rules.COUNTER] = None
    """The raw counter of the requests to what is tested; by default the same as traffic.

    With neither, what JMeter sent is what was tested: its labels are taken for endpoints.
    """
    by: Annotated[tuple[LabelName, ...], Field(default_factory=tuple, max_length=4)]
    """The labels that make an endpoint, in the order in which they are told: [method, route]."""
    labels: Annotated[
        tuple[LabelEndpoint, ...] | None, Field(max_length=200), coverage_rules.DISTINCT_LABELS
    ] = None
    """Endpoints of samplers whose names do not tell them; GET /cart tells, as a template or with values."""
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
