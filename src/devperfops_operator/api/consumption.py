"""`spec.consumption` of a quota policy: what a request takes of limits, and how many requests will come."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from devperfops_operator.api import consumption_rules, quota_rules, rules
from devperfops_operator.api.quantity import parse_rate
from devperfops_operator.api.quota_words import Day, Dimensions, Sentence, Text
from devperfops_operator.api.strict import Strict

MAX_METERED = 20
MAX_PEAKS = 12


def _obeyed(rule: rules.Rule, value: object) -> None:
    """What the API server would say of a file, too."""
    problem = rule.check(value)
    if problem is not None:
        raise ValueError(problem)


def _selector(text: object) -> str:
    _obeyed(consumption_rules.SERIES, str(text))
    return str(text).strip()


def _rate(value: object) -> Fraction:
    return value if isinstance(value, Fraction) else parse_rate(str(value))


Selector = Annotated[
    str,
    Field(max_length=4096),
    BeforeValidator(_selector),
    consumption_rules.SERIES,
]
Rate = Annotated[
    Fraction, BeforeValidator(_rate), WithJsonSchema({"type": "string", "maxLength": 32}), rules.RATE
]


class Counts(StrEnum):
    """What is counted for a request."""

    CALLS = "Calls"
    CPU = "CPU"
    MEMORY = "Memory"


class Metered(Strict):
    """A limit of serving, and how it is measured what requests take of it."""

    validations: ClassVar = (consumption_rules.CALLS_HAVE_SERIES, consumption_rules.FITTING_UNIT)

    service: Text
    """Of whose limit."""
    metric: Text
    """Of which limit."""
    dimensions: Dimensions
    """For which values of the limit's dimensions."""
    unit: Annotated[Text, quota_rules.UNIT]
    """In which it is forecast: 1/min or such for Calls, cores for CPU, By or such for Memory."""
    counts: Counts = Counts.CALLS
    """Calls: those that series counts. CPU, Memory: of the judged pods."""
    series: Selector | None = None
    """The raw series at the gate's Prometheus, NAME{...}. Without it CPU and Memory are the kubelet's own."""

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        for rule in self.validations:
            _obeyed(rule, {"counts": self.counts, "series": self.series, "unit": self.unit})
        return self


class DeclaredPeak(Strict):
    """The most requests that are expected, by somebody's word: an estimate, which never blocks."""

    validations: ClassVar = (quota_rules.BOTH_DAYS,)

    rate: Rate
    """How many, such as 1000/m."""
    because: Sentence
    """Whose word it is, and why."""
    first: Annotated[Day | None, Field(alias="from")] = None
    """The first day of each year, such as 01-01; without it always."""
    last: Annotated[Day | None, Field(alias="to")] = None
    """The last day, such as 01-31."""

    @model_validator(mode="after")
    def _both_days(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError(quota_rules.BOTH_DAYS.message)
        return self


class Consumption(Strict):
    """What one request takes of these limits, measured by runs, times production's peak."""

    metered: Annotated[
        tuple[Metered, ...],
        Field(min_length=1, max_length=MAX_METERED),
        consumption_rules.SOMETHING_METERED,
        consumption_rules.DISTINCT_LIMITS,
    ]
    """The limits that are forecast."""
    requests: Selector | None = None
    """The raw counter of the tested requests; by default those of the gate's own load."""
    traffic: Selector | None = None
    """The raw counter of production's requests: the busiest hour of the last two weeks is its peak.

    By default the gate's load profile tells it or, of gates without a load, the counter of requests.
    """
    peaks: Annotated[tuple[DeclaredPeak, ...], Field(default_factory=tuple, max_length=MAX_PEAKS)]
    """Peaks that nobody has measured."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _obeyed(consumption_rules.DISTINCT_LIMITS, [each.model_dump() for each in self.metered])
        return self
