"""The documents of `devperfops quota`: QuotaPolicy, QuotaWaiver, QuotaLimits and QuotaPeaks.

They are files, on disk or in a ConfigMap that a gate names. There is no CRD of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.api.strict import Metadata, Sentence, Strict, Text

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


Amount = Annotated[Fraction, BeforeValidator(_number)]
Factor = Annotated[Fraction, BeforeValidator(_positive)]
Dimensions = Annotated[dict[Text, Text], Field(default_factory=dict, max_length=8)]
LimitValue = Annotated[Fraction | str, BeforeValidator(_limit)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Mode(StrEnum):
    """Whether a regression blocks, or is only told."""

    WARN = "Warn"
    ENFORCE = "Enforce"


class KubernetesNamespace(Strict):
    """A namespace, as the context's user of the kubeconfig (default: KUBECONFIG) may read it."""

    context: Text
    namespace: Text
    kubeconfig: Text | None = None


class GoogleApi(StrEnum):
    """Who asks: the project's owner, or the owner of the service that it uses."""

    SERVICE_USAGE = "ServiceUsage"
    SERVICE_CONSUMER_MANAGEMENT = "ServiceConsumerManagement"


class GoogleProject(Strict):
    """A project, read with the application's default credentials. `endpoint`: instead of Google's own."""

    project: Text
    api: GoogleApi = GoogleApi.SERVICE_USAGE
    endpoint: Text | None = None


class Environment(Strict):
    """Where limits are told: a `file` (QuotaLimits), `kubernetes` or `google`; and what people call it."""

    name: Text
    file: Text | None = None
    kubernetes: KubernetesNamespace | None = None
    google: GoogleProject | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(each is not None for each in (self.file, self.kubernetes, self.google)) != 1:
            raise ValueError("needs one of file, kubernetes and google: write where its limits are told")
        return self


class Service(Strict):
    """What is compared: all metrics of the service, or those named, which must be there."""

    name: Text
    metrics: tuple[Text, ...] = ()


class DeclaredNeed(Strict):
    """What serving must grant on the days from `first` to `last` (in the file `from` and `to`, as in 12-15).

    Without days: always. `lead_days`: for how long before it is told.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    service: Text
    metric: Text
    dimensions: Dimensions
    need: Amount
    unit: Text
    because: Sentence
    first: Annotated[Text | None, Field(alias="from")] = None
    last: Annotated[Text | None, Field(alias="to")] = None
    lead_days: Annotated[int, Field(ge=0, le=365, strict=True)] = 30

    @model_validator(mode="after")
    def _both_days(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError("from and to belong together: write both days, or none for the whole year")
        return self


class QuotaPolicySpec(Strict):
    """`services`: none for all. `scale`: the baseline is so many times serving, by design.

    `peaks`: the file of a QuotaPeaks. `safety`: so many times the peak must fit. `max_age`: of limits that
    were read. `dimension_map`: by dimension, what a value of the baseline is called in serving.
    """

    mode: Mode = Mode.WARN
    baseline: Environment
    serving: Environment
    services: tuple[Service, ...] = ()
    scale: Factor = Fraction(1)
    safety: Factor = Fraction(6, 5)
    max_age: Duration = timedelta(hours=24)
    dimension_map: dict[Text, dict[Text, Text]] = Field(default_factory=dict)
    peaks: Text | None = None
    needs: tuple[DeclaredNeed, ...] = ()

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        for each in (self.baseline, self.serving):
            named = each.google is None or each.google.api is GoogleApi.SERVICE_USAGE or self.services
            if not named:
                raise ValueError("services is needed with ServiceConsumerManagement: name your own service")
        if self.baseline.name == self.serving.name:
            raise ValueError("baseline and serving have the same name: give each environment its own")
        for dimension, names in self.dimension_map.items():
            if len(set(names.values())) < len(names):
                raise ValueError(
                    f"dimensionMap.{dimension} gives two values the same name: map each to its own"
                )
        return self


class QuotaPolicy(Strict):
    """What the load-test environment may be granted, compared to the serving one."""

    api_version: Literal["devperfops.io/v1alpha1"]
    kind: Literal["QuotaPolicy"]
    metadata: Metadata
    spec: QuotaPolicySpec


class QuotaWaiverSpec(Strict):
    """Lets regressions of a metric be until `expires`. Dimensions: only where they are these."""

    service: Text
    metric: Text
    dimensions: Dimensions
    reason: Sentence
    approver: Text
    expires: AwareDatetime


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
