"""From documents to what the rules take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from devperfops_operator.api.consumption import Consumption, DeclaredPeak, Metered
from devperfops_operator.api.quota import (
    DeclaredLimit,
    DeclaredNeed,
    LeadTime,
    MeasuredPeak,
    QuotaLimits,
    QuotaPeaks,
    QuotaPolicySpec,
    QuotaWaiver,
)
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.consumption import Meter, Metering, RequestPeak
from devperfops_operator.domain.quota.entry import (
    Dimensions,
    Entry,
    Kind,
    Limit,
    Need,
    NoNumber,
    Peak,
    Reading,
)
from devperfops_operator.domain.quota.finding import Waiver
from devperfops_operator.domain.quota.lead_times import Declared
from devperfops_operator.domain.quota.rules import SeasonalNeed
from devperfops_operator.domain.quota.season import Season, parse_day
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import parse_unit

_PROVIDER = "file"


def terms(spec: QuotaPolicySpec) -> Terms:
    """Raises InvalidSpec for a unit or a day that is none, or a need of what is not compared."""
    asked = Terms(
        scale=spec.scale,
        safety=spec.safety,
        max_age=spec.max_age,
        services={each.name: frozenset(each.metrics) for each in spec.services} or None,
        dimension_map=spec.dimension_map,
        needs=[_need(need, f"spec.needs[{at}]") for at, need in enumerate(spec.needs)],
        metering=_metering(spec.consumption),
        peaks=_request_peaks(spec.consumption),
        lead_times=[_lead_time(each) for each in spec.lead_times],
    )
    for field, each in _named(spec):
        if not asked.wants(each.service, each.metric):
            message = (
                f"{each.service}/{each.metric} is not among spec.services: add it there, or leave this out"
            )
            raise InvalidSpec(field, message)
    return asked


def _named(spec: QuotaPolicySpec) -> Iterator[tuple[str, DeclaredNeed | Metered]]:
    """What is about a limit, and where it stands."""
    for at, need in enumerate(spec.needs):
        yield f"spec.needs[{at}]", need
    for at, metered in enumerate(spec.consumption.metered if spec.consumption else ()):
        yield f"spec.consumption.metered[{at}]", metered


def declared_reading(name: str, limits: QuotaLimits, file: str) -> Reading:
    """Of the environment of that name. Raises InvalidSpec for a unit that is none, or a limit told twice."""
    entries: dict[tuple[object, ...], Entry] = {}
    for at, limit in enumerate(limits.spec.limits):
        entry = _entry(limit, limits, file, f"spec.limits[{at}]")
        key = (entry.service, entry.metric, entry.unit, entry.dimensions)
        if key in entries:
            message = (
                f"{entry.metric} has a limit for the same dimensions and unit already: leave one of them out"
            )
            raise InvalidSpec(f"spec.limits[{at}]", message)
        entries[key] = entry
    return Reading(name, list(entries.values()))


def measured_peaks(peaks: QuotaPeaks) -> list[Peak]:
    """Raises InvalidSpec for a unit that is none."""
    return [_peak(peak, f"spec.peaks[{at}]") for at, peak in enumerate(peaks.spec.peaks)]


def granted_waiver(waiver: QuotaWaiver) -> Waiver:
    spec = waiver.spec
    return Waiver(
        name=waiver.metadata.name,
        service=spec.service,
        metric=spec.metric,
        dimensions=_dimensions(spec.dimensions),
        reason=spec.reason,
        approver=spec.approver,
        expires=spec.expires,
    )


def _entry(limit: DeclaredLimit, limits: QuotaLimits, file: str, field: str) -> Entry:
    unit = parse_unit(limit.unit, f"{field}.unit")
    kind = Kind.ALLOCATION if unit.window is None else Kind.RATE
    return Entry(
        provider=_PROVIDER,
        service=limit.service,
        metric=limit.metric,
        unit=unit,
        limit=_limit(limit.limit),
        kind=kind if limit.kind is None else Kind(limit.kind),
        dimensions=_dimensions(limit.dimensions),
        usage=limit.usage,
        pending=None if limit.pending is None else _limit(limit.pending),
        source=file,
        observed_at=limits.spec.observed_at,
    )


def _peak(peak: MeasuredPeak, field: str) -> Peak:
    unit = parse_unit(peak.unit, f"{field}.unit")
    return Peak(peak.service, peak.metric, unit, peak.peak, _dimensions(peak.dimensions))


def _need(declared: DeclaredNeed, field: str) -> SeasonalNeed:
    need = Need(
        service=declared.service,
        metric=declared.metric,
        unit=parse_unit(declared.unit, f"{field}.unit"),
        amount=declared.need,
        because=declared.because,
        dimensions=_dimensions(declared.dimensions),
    )
    season = _season(declared, field)
    return SeasonalNeed(need) if season is None else SeasonalNeed(need, season, declared.lead_days)


def _season(declared: DeclaredNeed | DeclaredPeak, field: str) -> Season | None:
    if declared.first is None or declared.last is None:
        return None
    return Season(parse_day(declared.first, f"{field}.from"), parse_day(declared.last, f"{field}.to"))


def _metering(asked: Consumption | None) -> Metering | None:
    if asked is None:
        return None
    meters = tuple(
        Meter(
            service=each.service,
            metric=each.metric,
            unit=parse_unit(each.unit, f"spec.consumption.metered[{at}].unit"),
            counts=each.counts,
            series=each.series,
            dimensions=_dimensions(each.dimensions),
        )
        for at, each in enumerate(asked.metered)
    )
    return Metering(meters, asked.requests, asked.traffic)


def _request_peaks(asked: Consumption | None) -> list[RequestPeak]:
    return [
        RequestPeak(
            rate=peak.rate / 60,
            because=peak.because,
            season=_season(peak, f"spec.consumption.peaks[{at}]"),
            assumed="the peak is declared, and was not measured",
        )
        for at, peak in enumerate(asked.peaks if asked is not None else ())
    ]


def _lead_time(declared: LeadTime) -> Declared:
    kind = None if declared.kind is None else Kind(declared.kind)
    return Declared(declared.days, declared.provider, kind, declared.service, declared.metric)


def _dimensions(named: Mapping[str, str]) -> Dimensions:
    return tuple(sorted(named.items()))


def _limit(value: Fraction | str) -> Limit:
    return value if isinstance(value, Fraction) else NoNumber(value)
