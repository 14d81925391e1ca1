"""Rule 1: what the load test was granted is granted in serving too.

A table of cases in order; the first that knows the case decides it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from devperfops_operator.domain.quota.buckets import Pair
from devperfops_operator.domain.quota.entry import (
    UNKNOWN,
    UNLIMITED,
    Entry,
    Limit,
    NoNumber,
    at_most,
    converted,
    limit_text,
)
from devperfops_operator.domain.quota.finding import Outcome, Verdict
from devperfops_operator.domain.quota.units import Unit, factor


@dataclass(frozen=True, slots=True)
class Names:
    """Of the two environments."""

    baseline: str
    serving: str


@dataclass(frozen=True, slots=True)
class Case:
    """A pair, and what else decides. `peak_fits`: the answer of rule 2; None: no peak is known.

    `asked` and `granted` of serving, in `unit`: UNKNOWN where there is no limit, or none in such a unit.
    """

    pair: Pair
    names: Names
    scale: Fraction
    peak_fits: bool | None
    unit: Unit
    asked: Limit
    granted: Limit

    @classmethod
    def of(
        cls, pair: Pair, names: Names, *, scale: Fraction = Fraction(1), peak_fits: bool | None = None
    ) -> Case:
        """Of a pair in which at least one side has a limit."""
        ours, theirs = pair.baseline, pair.serving
        unit = next(entry.unit for entry in (theirs, ours) if entry is not None)
        granted = UNKNOWN if theirs is None else theirs.effective
        return cls(pair, names, scale, peak_fits, unit, _asked(ours, unit, scale), granted)

    def text(self, limit: Limit) -> str:
        return limit_text(limit, self.unit)


def _asked(baseline: Entry | None, unit: Unit, scale: Fraction) -> Limit:
    """By the baseline's limit: that divided by the scale."""
    if baseline is None or factor(baseline.unit, unit) is None:
        return UNKNOWN
    limit = converted(baseline.effective, baseline.unit, unit)
    return limit if scale == 1 or baseline.ordinal or isinstance(limit, NoNumber) else limit / scale


def judge(case: Case) -> Outcome:
    """By the first of the table that knows the case."""
    return next(outcome for known in _TABLE if (outcome := known(case)) is not None)


def _units(case: Case) -> Outcome | None:
    ours, theirs = case.pair.baseline, case.pair.serving
    if ours is None or theirs is None or factor(ours.unit, theirs.unit) is not None:
        return None
    cause = (
        f"{case.names.baseline} counts it in {ours.unit}, {case.names.serving} in {theirs.unit}: "
        "neither can be had from the other"
    )
    return Outcome(Verdict.ERROR, cause, remedy="give both limits in units that count the same")


def _unknown(case: Case) -> Outcome | None:
    for name, entry in ((case.names.baseline, case.pair.baseline), (case.names.serving, case.pair.serving)):
        if entry is not None and entry.effective is UNKNOWN:
            return Outcome(Verdict.ERROR, f"{name} does not tell the limit", remedy=_ask_again(entry))
    return None


def _missing_in_serving(case: Case) -> Outcome | None:
    if case.pair.serving is not None:
        return None
    cause = f"{case.names.baseline} has {case.text(case.asked)}, {case.names.serving} has no such limit"
    return Outcome(Verdict.REGRESSION, cause, case.asked)


def _nothing_in_serving(case: Case) -> Outcome | None:
    if case.granted != 0 or (case.pair.serving is not None and case.pair.serving.ordinal):
        return None
    if case.pair.baseline is not None and case.asked == 0:
        return Outcome(Verdict.WARN, "nothing of it can be had in either environment")
    cause = f"{case.names.serving} grants nothing of it (0)"
    return Outcome(Verdict.REGRESSION, cause, case.asked or None, remedy="grant what the service needs there")


def _unlimited_in_serving(case: Case) -> Outcome | None:
    if case.granted is not UNLIMITED:
        return None
    return Outcome(Verdict.PASS, f"{case.names.serving} is unlimited")


def _missing_in_baseline(case: Case) -> Outcome | None:
    if case.pair.baseline is not None:
        return None
    return _by_peak(case, f"{case.names.baseline} has no such limit to compare with", Verdict.WARN)


def _unlimited_in_baseline(case: Case) -> Outcome | None:
    if case.asked is not UNLIMITED:
        return None
    cause = f"{case.names.baseline} is unlimited, {case.names.serving} has {case.text(case.granted)}"
    return _by_peak(case, cause, Verdict.REGRESSION)


def _by_peak(case: Case, cause: str, otherwise: Verdict) -> Outcome:
    """Where limits say nothing, what was used does."""
    match case.peak_fits:
        case None:
            remedy = (
                f"give {case.names.baseline} the limit of {case.names.serving}, or tell the peak (spec.peaks)"
            )
            told = f"{cause}; no peak of the load test tells whether that is enough"
            return Outcome(otherwise, told, remedy=remedy)
        case True:
            return Outcome(Verdict.PASS, f"{cause}; what the load test used fits")
        case False:
            told = f"{cause}; what the load test used does not fit"
            return Outcome(Verdict.REGRESSION, told, remedy="grant what is asked for by the peak")


def _lower_in_serving(case: Case) -> Outcome | None:
    if at_most(case.asked, case.granted):
        return None
    serving = case.pair.serving
    worse = "has to give way" if serving is not None and serving.ordinal else "may be refused"
    return Outcome(Verdict.REGRESSION, f"{_both(case)}: what was tested {worse} there", case.asked)


def _still_higher(case: Case) -> Outcome | None:
    """While the baseline is being lowered a test may have run with what it had before."""
    ours = case.pair.baseline
    if ours is None or ours.pending is None:
        return None
    if at_most(converted(ours.limit, ours.unit, case.unit), case.granted):
        return None
    still = f"{case.names.baseline} may still have {ours.shown(ours.limit)}"
    cause = f"{_both(case)}; until the change is done {still}"
    return Outcome(Verdict.WARN, cause)


def _other_window(case: Case) -> Outcome | None:
    ours, theirs = case.pair.baseline, case.pair.serving
    if ours is None or theirs is None or ours.unit.window == theirs.unit.window:
        return None
    cause = (
        f"{_both(case)}, counted in windows of another length ({ours.unit} and {theirs.unit}): bursts differ"
    )
    return Outcome(Verdict.WARN, cause)


def _enough(case: Case) -> Outcome:
    return Outcome(Verdict.PASS, _both(case))


_TABLE: Final[tuple[Callable[[Case], Outcome | None], ...]] = (
    _units,
    _unknown,
    _missing_in_serving,
    _nothing_in_serving,
    _unlimited_in_serving,
    _missing_in_baseline,
    _unlimited_in_baseline,
    _lower_in_serving,
    _still_higher,
    _other_window,
    _enough,
)


def _both(case: Case) -> str:
    ours, theirs = case.pair.baseline, case.pair.serving
    return f"{_told(case.names.baseline, ours)}, {_told(case.names.serving, theirs)}{_scaled(case)}"


def _told(name: str, entry: Entry | None) -> str:
    if entry is None:
        return f"{name} has no limit"
    told = f"{name} has {entry.shown(entry.limit)}"
    if entry.pending is None:
        return told
    return f"{told} (changing to {entry.shown(entry.pending)}; the lower counts)"


def _scaled(case: Case) -> str:
    ours = case.pair.baseline
    if case.scale == 1 or (ours is not None and ours.ordinal):
        return ""
    return f" (scale {float(case.scale):g}: {case.text(case.asked)} asked)"


def _ask_again(entry: Entry) -> str:
    return f"find out why {entry.source or entry.provider} does not tell it, and check again"
