"""What a gate's target must hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import objective_rules, rules
from devperfops_operator.api.base import ApiModel, Name
from devperfops_operator.api.expect import FROM_SLO, MAX_LENGTH
from devperfops_operator.wire.measurement import LABEL_LENGTH

MAX_OBJECTIVES = 32


class Origin(StrEnum):
    """Where a threshold comes from."""

    SLA = "SLA"
    SLO = "SLO"
    HISTORY = "History"
    ASSUMED = "Assumed"


class SLORef(ApiModel):
    """An OpenSLO v1 document in a ConfigMap of the gate's namespace."""

    config_map: Annotated[Name, rules.not_empty("is empty: write the name of a ConfigMap")]
    """The ConfigMap's name."""
    key: Annotated[Name, rules.not_empty("is empty: write a key such as slos.yaml, or leave it out")] = (
        "slos.yaml"
    )
    """The key whose value is the document, or several of them."""
    slo: Annotated[Name, rules.not_empty("is empty: write the name of an SLO")]
    """metadata.name of the SLO."""
    target: Annotated[str | None, Field(max_length=16), objective_rules.TARGET] = None
    """Of an SLO with several objectives the one with this target, such as 99.9%."""


class Objective(ApiModel):
    """One thing the target must hold, judged by JMeter's samples or, with queries, by Prometheus."""

    validations: ClassVar = (
        objective_rules.SLO_WITH_REF,
        objective_rules.GOOD_WITH_TOTAL,
        objective_rules.GOOD_HAS_QUERIES,
        objective_rules.QUERIES_HAVE_GOOD,
        objective_rules.HISTOGRAM_HAS_LATENCY,
        objective_rules.COMPARED_HAS_SAMPLES,
        objective_rules.VALUE_WITH_QUERY,
        objective_rules.TRANSACTION_HAS_SAMPLES,
    )

    name: Annotated[
        str | None, Field(max_length=63), rules.not_empty("is empty: write a name, or leave it out")
    ] = None
    """What people call it; by default the text of expect."""
    expect: Annotated[str, Field(max_length=MAX_LENGTH), objective_rules.EXPECT] = FROM_SLO
    """METRIC OPERATOR VALUE: p99 < 2s, errors < 0.5%, good >= 99.9% or value < 0.8 for 95%.

    p95 < baseline + 15% compares with load.baseline, which is loaded at the same time, and
    p95 < past + 15% with the gate's earlier runs. slo takes the limit of the document that sloRef names.
    """
    slo_ref: Annotated[SLORef | None, Field(alias="sloRef")] = None
    """Takes the limit from an SLO: a time as a percentile, a share as good (with total) or else as errors."""
    transaction: Annotated[
        str | None,
        Field(max_length=LABEL_LENGTH),
        rules.not_empty("is empty: write the name of a sampler or Transaction Controller, or leave it out"),
    ] = None
    """Judges only the samples of a sampler or Transaction Controller of this name; by default all samples."""
    good: Annotated[
        str | None, Field(max_length=4096), rules.not_empty("is empty: write a query that gives raw counters")
    ] = None
    """PromQL that gives the raw counters of good events; the operator adds up their increases itself."""
    total: Annotated[
        str | None, Field(max_length=4096), rules.not_empty("is empty: write a query that gives raw counters")
    ] = None
    """PromQL that gives the raw counters of all events."""
    histogram: Annotated[str | None, Field(max_length=4096), objective_rules.BUCKETS] = None
    """The buckets of a latency histogram at Prometheus: NAME_bucket{...}, without the label le.

    The limit of expect must be one of its edges. In seconds, unless its name ends in _milliseconds_bucket.
    """
    query: Annotated[
        str | None, Field(max_length=4096), rules.not_empty("is empty: write a query that gives one gauge")
    ] = None
    """PromQL that gives one series, the gauge of expect: value; read once a scrape over the judged load."""
    critical: bool = True
    """false: judged and told, but it neither ends the load nor decides the run's verdict."""
    weight: Annotated[int, objective_rules.WEIGHT] = 1
    """How much it counts in the run's score, the share of what holds, which is told and decides nothing."""
    origin: Origin | None = None
    """Where the threshold comes from, shown beside it: an SLA, an SLO, measured History, or Assumed."""
