"""What a run measured, between its status and the rules: what is kept of it, and read back."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from devperfops_operator.api.perfrun import (
    MAX_FORECASTS,
    ConsumptionStatus,
    FigureStatus,
    ForecastStatus,
    RequestPeakStatus,
)
from devperfops_operator.domain.quota.consumption import Consumed, Figure, Meter, Metering, RequestPeak
from devperfops_operator.domain.quota.entry import Limit, limit_text
from devperfops_operator.domain.quota.finding import Finding, Report, Rule
from devperfops_operator.domain.quota.forecast import taken
from devperfops_operator.domain.quota.season import Season, parse_day


def consumption_status(metering: Metering, consumed: Consumed, report: Report) -> ConsumptionStatus:
    """What is kept in the run's status."""
    found = [each for each in report.findings if each.rule is Rule.CONSUMPTION]
    return ConsumptionStatus(
        figures=tuple(_figures(metering, consumed)),
        peaks=tuple(map(peak_status, consumed.peaks)),
        forecasts=tuple(map(_forecast, found[:MAX_FORECASTS])),
        gap=None if consumed.figures else consumed.gap,
    )


def consumed_of(status: ConsumptionStatus) -> Consumed:
    """As it was measured. Raises InvalidSpec or ValueError: somebody has changed it."""
    return Consumed(
        figures={each.name: _figure(each) for each in status.figures},
        peaks=[request_peak(each) for each in status.peaks],
        gap=status.gap or "the run has not measured it",
    )


def request_peak(status: RequestPeakStatus) -> RequestPeak:
    season = None
    if status.first is not None and status.last is not None:
        season = Season(parse_day(status.first, "first"), parse_day(status.last, "last"))
    return RequestPeak(Fraction(status.per_second), status.because, season, status.assumed)


def peak_status(peak: RequestPeak) -> RequestPeakStatus:
    days = [] if peak.season is None else [peak.season.first, peak.season.last]
    first, last = (f"{month:02}-{day:02}" for month, day in days) if days else (None, None)
    return RequestPeakStatus(
        per_second=_text(peak.rate), because=peak.because, first=first, last=last, assumed=peak.assumed
    )


def _figures(metering: Metering, consumed: Consumed) -> Iterator[FigureStatus]:
    for meter in metering.meters:
        figure = consumed.figures.get(meter.title)
        if figure is not None:
            yield _figure_status(meter, figure)


def _figure_status(meter: Meter, figure: Figure) -> FigureStatus:
    return FigureStatus(
        name=meter.title,
        counts=meter.counts.value,
        series=figure.series or None,
        per_request=_known(figure.value),
        least=_known(figure.least),
        most=_known(figure.most),
        rate=_known(figure.rate),
        before=_known(figure.before),
        told=None if figure.value is None else taken(meter, figure),
        doubts=figure.doubts,
    )


def _figure(status: FigureStatus) -> Figure:
    amounts = (status.per_request, status.least, status.most, status.rate)
    value, least, most, rate = (None if each is None else Fraction(each) for each in amounts)
    before = None if status.before is None else Fraction(status.before)
    return Figure(value, least, most, rate, status.doubts, before, status.series or "")


def _forecast(finding: Finding) -> ForecastStatus:
    return ForecastStatus(
        name=finding.title,
        verdict=finding.verdict.value,
        asked=_amount(finding, finding.wanted),
        granted=_amount(finding, finding.limit),
        message=finding.cause,
    )


def _amount(finding: Finding, limit: Limit | None) -> str | None:
    return None if limit is None or finding.unit is None else limit_text(limit, finding.unit)


def _known(amount: Fraction | None) -> str | None:
    return None if amount is None else _text(amount)


def _text(amount: Fraction) -> str:
    """Six digits, which is more than anybody measures."""
    return f"{float(amount):.6g}"
