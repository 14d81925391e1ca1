"""From documents to what the rules take."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from devperfops_operator.api.quota import (
    DeclaredLimit,
    DeclaredNeed,
    MeasuredPeak,
    QuotaLimits,
    QuotaPeaks,
    QuotaPolicySpec,
    QuotaWaiver,
)
from devperfops_operator.domain.errors import InvalidSpec
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
    )
    for at, need in enumerate(spec.needs):
        if not asked.wants(need.service, need.metric):
            message = (
                f"{need.service}/{need.metric} is not among spec.services: add it there, or leave this out"
            )
            raise InvalidSpec(f"spec.needs[{at}]", message)
    return asked


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
    if declared.first is None or declared.last is None:
        return SeasonalNeed(need)
    season = Season(parse_day(declared.first, f"{field}.from"), parse_day(declared.last, f"{field}.to"))
    return SeasonalNeed(need, season, declared.lead_days)


def _dimensions(named: Mapping[str, str]) -> Dimensions:
    return tuple(sorted(named.items()))


def _limit(value: Fraction | str) -> Limit:
    return value if isinstance(value, Fraction) else NoNumber(value)
