"""The documents of `devperfops quota`: QuotaPolicy, QuotaWaiver, QuotaLimits and QuotaPeaks.

All are files, on disk or in a ConfigMap; the first two are resources of the cluster, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema, model_validator

from devperfops_operator.api import quota_rules, rules, strict
from devperfops_operator.api.consumption import Consumption
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.api.quota_sources import Environment
from devperfops_operator.api.quota_words import Day, Dimensions, Sentence, Text
from devperfops_operator.api.strict import Metadata, Strict

UNLIMITED: Final = "unlimited"
UNKNOWN: Final = "unknown"


def _number(value: object) -> Fraction:
    """YAML's 1000, 1.5 or "1.5"; exact, because YAML's own text of a float is what somebody wrote."""
    if isinstance(value, Fraction):
        return value
    try:
        if isinstance(value, bool):
            raise TypeError(value)  # noqa: TRY301
        amount = Fraction(str(value))
    except (TypeError, ValueError, ZeroDivisionError):
        raise ValueError(f'"{value}" is not a number: write for example 1000 or 1.5') from None
    if amount < 0:
        raise ValueError(f'"{value}" is negative: write unlimited for a limit that does not exist')
    return amount


def _positive(value: object) -> Fraction:
    amount = _number(value)
    if not amount:
        raise ValueError(f'"{value}" is not above 0: write for example 1 or 1.2')
    return amount


def _limit(value: object) -> Fraction | str:
    return str(value) if value in (UNLIMITED, UNKNOWN) else _number(value)


def _duration(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


_NUMBER_SCHEMA: Final = {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 32}]}
_TEXT_SCHEMA: Final = {"type": "string", "maxLength": 40}

Amount = Annotated[Fraction, BeforeValidator(_number), WithJsonSchema(_NUMBER_SCHEMA)]
Factor = Annotated[Fraction, BeforeValidator(_positive), WithJsonSchema(_NUMBER_SCHEMA), quota_rules.FACTOR]
LimitValue = Annotated[Fraction | str, BeforeValidator(_limit)]
Duration = Annotated[timedelta, BeforeValidator(_duration), WithJsonSchema(_TEXT_SCHEMA), rules.DURATION]

_MOST: Final = 100
"""Of what a list may have, so that an API server can check each rule."""


class Mode(StrEnum):
    """Whether a regression blocks, or is only told."""

    WARN = "Warn"
    ENFORCE = "Enforce"


class Service(Strict):
    """What is compared."""

    name: Text
    """As its limits name it."""
    metrics: Annotated[tuple[Text, ...], Field(default_factory=tuple, max_length=_MOST)]
    """Those that are compared, and must be there; none for all there are."""


class DeclaredNeed(Strict):
    """What serving must grant, on some days or always."""

    validations: ClassVar = (quota_rules.BOTH_DAYS,)

    service: Text
    """Of whose limit."""
    metric: Text
    """Of which limit."""
    dimensions: Dimensions
    """For which values of the limit's dimensions."""
    need: Annotated[Amount, quota_rules.AMOUNT]
    """How much, in unit."""
    unit: Annotated[Text, quota_rules.UNIT]
    """What is counted, such as 1/min or cores."""
    because: Sentence
    """Whose word it is, and why."""
    first: Annotated[Day | None, Field(alias="from")] = None
    """The first day of each year, such as 12-15; without it always."""
    last: Annotated[Day | None, Field(alias="to")] = None
    """The last day, such as 04-30."""
    lead_days: Annotated[
        int, Field(strict=True, ge=0, le=365), WithJsonSchema({"type": "integer"}), quota_rules.LEAD_DAYS
    ] = 30
    """For so many days before it is told when it is not granted yet."""

    @model_validator(mode="after")
    def _both_days(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError(quota_rules.BOTH_DAYS.message)
        return self


class Provider(StrEnum):
    """Who grants more of a limit."""

    KUBERNETES = "kubernetes"
    ENVOY = "envoy"
    GOOGLE = "google"
    AWS = "aws"
    AZURE = "azure"
    OTHER = "other"


class LeadTime(Strict):
    """How long it takes from asking for more until it is granted; of several the narrowest counts."""

    validations: ClassVar = (quota_rules.ABOUT_SOMETHING,)

    provider: Provider | None = None
    """Of all its limits."""
    kind: Literal["rate", "allocation", "concurrency"] | None = None
    """Only of those that limit how often, how much, or how many at once."""
    service: Text | None = None
    """Only of this service."""
    metric: Text | None = None
    """Only of this limit."""
    days: Annotated[
        int, Field(strict=True, ge=0, le=365), WithJsonSchema({"type": "integer"}), quota_rules.DAYS
    ]
    """How many."""


class QuotaPolicySpec(Strict):
    """What is compared, and by which rules."""

    validations: ClassVar = (quota_rules.TWO_NAMES, quota_rules.NAMED_SERVICES)

    mode: Mode = Mode.WARN
    """Enforce: a regression blocks. Warn: it is told."""
    baseline: Environment
    """Where the load test runs."""
    serving: Environment
    """Where what passed goes."""
    services: Annotated[
        tuple[Service, ...], Field(default_factory=tuple, max_length=_MOST), quota_rules.DISTINCT_SERVICES
    ]
    """What is compared; none for all there is, but for what is read by name only."""
    scale: Annotated[Factor, Field(json_schema_extra={"default": 1})] = Fraction(1)
    """By design the baseline has so many times what serving has."""
    safety: Annotated[Factor, Field(json_schema_extra={"default": "1.2"})] = Fraction(6, 5)
    """So many times the peak must fit."""
    max_age: Annotated[Duration, rules.ABOVE_ZERO, Field(json_schema_extra={"default": "24h"})] = timedelta(
        hours=24
    )
    """How old limits may be that were read."""
    dimension_map: Annotated[
        dict[strict.Text, Annotated[dict[strict.Text, Text], Field(max_length=_MOST // 2)]],
        Field(default_factory=dict, max_length=8),
        quota_rules.DISTINCT_VALUES,
    ]
    """By dimension, what a value of the baseline is called in serving."""
    peaks: Text | None = None
    """A file of QuotaPeaks: what the load test used."""
    needs: Annotated[tuple[DeclaredNeed, ...], Field(default_factory=tuple, max_length=_MOST)]
    """What serving must grant, on some days or always."""
    consumption: Consumption | None = None
    """What a request takes of limits, as runs of a gate measure it, times production's peak."""
    lead_times: Annotated[tuple[LeadTime, ...], Field(default_factory=tuple, max_length=_MOST)]
    """How long it takes until more is granted, where the usual times are wrong."""
    config_map: Text | None = None
    """In a cluster: the ConfigMap whose keys are the files named here. The command has them in a folder."""
    interval: Annotated[Duration, quota_rules.INTERVAL, Field(json_schema_extra={"default": "10m"})] = (
        timedelta(minutes=10)
    )
    """In a cluster: how often it is checked when nothing changes."""

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        if not self.services and (self.baseline.names_services or self.serving.names_services):
            raise ValueError(quota_rules.NAMED_SERVICES.message)
        if self.baseline.name == self.serving.name:
            raise ValueError(quota_rules.TWO_NAMES.message)
        if len({each.name for each in self.services}) < len(self.services):
            raise ValueError(quota_rules.DISTINCT_SERVICES.message)
        if any(len(set(names.values())) < len(names) for names in self.dimension_map.values()):
            raise ValueError(f"dimensionMap {quota_rules.DISTINCT_VALUES.message}")
        return self


class QuotaPolicy(Strict):
    """What the load-test environment may be granted, compared to the serving one."""

    validations: ClassVar = rules.POLICY_NAME

    api_version: Literal["devperfops.io/v1alpha1"]
    kind: Literal["QuotaPolicy"]
    metadata: Metadata
    spec: QuotaPolicySpec
    status: Any = None  # as the operator left it; never read


class QuotaWaiverSpec(Strict):
    """Lets regressions of a metric be, for a while."""

    service: Text
    """Of whose limit."""
    metric: Text
    """Of which limit."""
    dimensions: Dimensions
    """Only where they are these; none: wherever."""
    reason: Sentence
    """Why, for whoever asks later."""
    approver: Text
    """Who says so, by their own account; the API server's audit log knows who wrote it."""
    expires: Annotated[AwareDatetime, WithJsonSchema(_TEXT_SCHEMA), rules.MOMENT]
    """Until when, such as 2027-01-15T00:00:00Z."""


class QuotaWaiver(Strict):
    """A person lets a regression be, and says why and until when."""

    api_version: Literal["devperfops.io/v1alpha1"]
    kind: Literal["QuotaWaiver"]
    metadata: Metadata
    spec: QuotaWaiverSpec


class DeclaredLimit(Strict):
    """`usage`: of it taken by others. `pending`: what it is being changed to. Amounts are in `unit`."""

    service: Text
    metric: Text
    unit: Text = "1"
    kind: Literal["rate", "allocation", "concurrency"] | None = None
    dimensions: Dimensions
    limit: LimitValue
    usage: Amount | None = None
    pending: LimitValue | None = None


class QuotaLimitsSpec(Strict):
    """`observed_at`: when somebody read them; none: they are declared and hold until the file is changed."""

    observed_at: AwareDatetime | None = None
    limits: Annotated[tuple[DeclaredLimit, ...], Field(min_length=1)]


class QuotaLimits(Strict):
    """The limits of one environment, written down."""

    api_version: Literal["devperfops.io/v1alpha1"]
    kind: Literal["QuotaLimits"]
    metadata: Metadata
    spec: QuotaLimitsSpec


class MeasuredPeak(Strict):
    """The most that the load test used at any time."""

    service: Text
    metric: Text
    unit: Text = "1"
    dimensions: Dimensions
    peak: Amount


class QuotaPeaksSpec(Strict):
    """At least one."""

    peaks: Annotated[tuple[MeasuredPeak, ...], Field(min_length=1)]


class QuotaPeaks(Strict):
    """What a load test used of its quotas."""

    api_version: Literal["devperfops.io/v1alpha1"]
    kind: Literal["QuotaPeaks"]
    metadata: Metadata
    spec: QuotaPeaksSpec


QuotaDocument = QuotaPolicy | QuotaWaiver | QuotaLimits | QuotaPeaks

DOCUMENTS: Final[Mapping[str, type[QuotaDocument]]] = {
    "QuotaPolicy": QuotaPolicy,
    "QuotaWaiver": QuotaWaiver,
    "QuotaLimits": QuotaLimits,
    "QuotaPeaks": QuotaPeaks,
}
"""By kind."""
