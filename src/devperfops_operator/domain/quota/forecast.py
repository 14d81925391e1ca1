"""Rule 5: what a revision's requests take, at production's peak, is granted in serving.

Only a measured figure at a measured peak makes a Regression, and only if the lower end of its interval is
more than is granted. Whatever is assumed, thin or in part unknown makes a Warn at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

from devperfops_operator.api.consumption import Counts
from devperfops_operator.domain.quota.consumption import Consumed, Figure, Meter, RequestPeak
from devperfops_operator.domain.quota.entry import Entry, at_most, converted, limit_text
from devperfops_operator.domain.quota.finding import Outcome, Verdict
from devperfops_operator.domain.quota.lead_times import LeadTime, ask
from devperfops_operator.domain.quota.rules import incomparable, missing_amount
from devperfops_operator.domain.quota.telling import Wanted, whole

_IN_PROPORTION: Final = "memory is taken to grow with the requests"
_HUNDREDTHS: Final = 100
_KIBI: Final = 1024
_FEW: Final = 10


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one limit at one peak. `wanted` None: it cannot be told."""

    outcome: Outcome
    wanted: Wanted | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What a forecast is held against. `name`: of serving; `entry`: its limit, if it has one."""

    name: str
    entry: Entry | None
    lead: LeadTime
    today: date


def forecasts(meter: Meter, consumed: Consumed, setting: Setting) -> Iterator[Forecast]:
    """One for each peak; one of nothing where a figure or all peaks are unknown."""
    figure = consumed.figures.get(meter.title, Figure(None, doubts=(consumed.gap,)))
    if figure.value is None:
        cause = f"what a request takes of it is not known: {'; '.join(figure.doubts)}"
        yield Forecast(Outcome(Verdict.WARN, cause, remedy="mend that, and test again"))
    elif not consumed.peaks:
        cause = f"{taken(meter, figure)}; production's peak is not known"
        remedy = "give the gate a load profile, or write spec.consumption.traffic or peaks"
        yield Forecast(Outcome(Verdict.WARN, cause, remedy=remedy))
    for peak in consumed.peaks if figure.value is not None else ():
        yield _forecast(meter, figure, peak, setting)


def needed(meter: Meter, value: Fraction, rate: Fraction | None, peak: Fraction) -> Fraction:
    """In the meter's unit, at `peak` requests a second. `rate`: of the requests in the test.

    Six digits of it, which is more than anybody measures and all that a run's status keeps.
    """
    match meter.counts:
        case Counts.CALLS:
            times = peak * (meter.unit.window or 1)
        case Counts.CPU:
            times = peak
        case Counts.MEMORY:  # a process takes much of it for no request at all
            times = max(Fraction(1), peak / rate) if rate else Fraction(1)
    return Fraction(f"{float(value * times / meter.unit.scale):.6g}")


def taken(meter: Meter, figure: Figure) -> str:
    """`1.44 calls per request (1.41 to 1.47; 1.2 at the known-good revision)`."""
    if figure.value is None:
        return "not known"
    if meter.counts is Counts.MEMORY:
        mebibytes = f"{float(figure.value) / _KIBI**2:,.0f} MiB"
        return f"{mebibytes} at {float(figure.rate or 0):.3g} requests a second{_before(meter, figure)}"
    what = "calls" if meter.counts is Counts.CALLS else "processor seconds"
    around = ""
    if figure.least is not None and figure.most is not None and figure.least < figure.most:
        around = f"{shown(figure.least)} to {shown(figure.most)}"
    inside = "; ".join(part for part in (around, _before(meter, figure)) if part)
    return f"{shown(figure.value)} {what} per request{f' ({inside})' if inside else ''}"


def shown(value: Fraction) -> str:
    return f"{float(value):.4g}"


def _before(meter: Meter, figure: Figure) -> str:
    if figure.before is None:
        return ""
    if meter.counts is Counts.MEMORY:
        return f" ({float(figure.before) / _KIBI**2:,.0f} MiB at the known-good revision)"
    return f"{shown(figure.before)} at the known-good revision"


def _forecast(meter: Meter, figure: Figure, peak: RequestPeak, setting: Setting) -> Forecast:
    name, entry, doubts = setting.name, setting.entry, _doubts(meter, figure, peak)
    estimate = f"; an estimate: {'; '.join(doubts)}" if doubts else ""
    exact = needed(meter, figure.value or Fraction(), figure.rate, peak.rate)
    wanted = Wanted(_rounded(exact, meter), meter.unit)
    told = (
        f"{taken(meter, figure)}: this revision needs {limit_text(wanted.amount, meter.unit)} at the peak of "
        f"{_per_minute(peak.rate)} ({peak.because})"
    )
    if entry is None:
        return Forecast(
            _lacking(f"{told}; {name} has no such limit", wanted, peak, setting, estimate), wanted
        )
    fault = incomparable(meter.unit, entry, name, told)
    if fault is not None:
        return Forecast(fault, wanted)
    told += f"; {name} has {entry.shown(entry.effective)}"
    if _fits(exact, meter, entry):
        return Forecast(Outcome(Verdict.PASS, told + estimate), wanted)
    lacking = _lacking(told, wanted, peak, setting, estimate)
    least = needed(meter, figure.least or Fraction(), figure.rate, peak.rate)
    if not doubts and _fits(least, meter, entry):
        cause = f"{lacking.cause}; that it needs so much is not shown: test longer"
        lacking = replace(lacking, verdict=Verdict.WARN, cause=cause)
    return Forecast(lacking, wanted)


def _doubts(meter: Meter, figure: Figure, peak: RequestPeak) -> list[str]:
    """Why the forecast is an estimate; none: it stands on measurements alone."""
    memory = [_IN_PROPORTION] if meter.counts is Counts.MEMORY else []
    return [*figure.doubts, *([peak.assumed] if peak.assumed else []), *memory]


def _fits(amount: Fraction, meter: Meter, entry: Entry) -> bool:
    return at_most(converted(amount, meter.unit, entry.unit), entry.effective)


def _lacking(told: str, wanted: Wanted, peak: RequestPeak, setting: Setting, estimate: str) -> Outcome:
    """With what to ask for, and until when."""
    entry, unit = setting.entry, wanted.unit
    enough = wanted.amount if entry is None else converted(wanted.amount, unit, entry.unit)
    more = missing_amount(enough, unit, entry)
    cause = f"{told}: {ask(more, peak.season, setting.lead, setting.today)}{estimate}"
    return Outcome(Verdict.WARN if estimate else Verdict.REGRESSION, cause, enough)


def _per_minute(rate: Fraction) -> str:
    requests = float(rate * 60)
    return f"{requests:,.0f} requests a minute" if requests >= _FEW else f"{requests:.3g} requests a minute"


def _rounded(amount: Fraction, meter: Meter) -> Fraction:
    """Up to what can be asked for; bytes to hundredths of the largest unit, which can be read."""
    if meter.counts is not Counts.MEMORY:
        return whole(amount, meter.unit)
    size = Fraction(1)
    while amount * meter.unit.scale >= size * _KIBI:
        size *= _KIBI
    steps = math.ceil(amount * meter.unit.scale / size * _HUNDREDTHS)
    return Fraction(steps, _HUNDREDTHS) * size / meter.unit.scale
