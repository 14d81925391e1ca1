"""Rules 2 to 4: what was used fits, nothing was taken away, and what the season asks is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.domain.quota.entry import (
    UNKNOWN,
    Entry,
    Limit,
    Need,
    NoNumber,
    Peak,
    at_most,
    converted,
    limit_text,
)
from devperfops_operator.domain.quota.finding import Outcome, Verdict
from devperfops_operator.domain.quota.lead_times import LeadTime, ask
from devperfops_operator.domain.quota.season import Season
from devperfops_operator.domain.quota.units import Unit, amount_text, factor

_NEARLY_ALL: Final = Fraction(95, 100)
"""Of a limit: a peak is a mean over some seconds and seldom shows all that was taken."""


@dataclass(frozen=True, slots=True)
class SeasonalNeed:
    """A need on some days; None: on all. `lead_days`: so long before it is told that it is not met yet."""

    need: Need
    season: Season | None = None
    lead_days: int = 0


def judge_peak(peak: Peak, serving: Entry | None, name: str, safety: Fraction) -> Outcome:
    """Rule 2: peak x safety <= serving's headroom. `name`: of serving."""
    wanted = peak.amount * safety
    used = f"the load test used {amount_text(peak.amount, peak.unit)}"
    if safety != 1:
        used += f", with a safety of {float(safety):g} that is {amount_text(wanted, peak.unit)}"
    if serving is None:
        remedy = "correct service, metric and dimensions of the peak, or give that environment such a limit"
        return Outcome(Verdict.ERROR, f"{used}; {name} has no such limit", remedy=remedy)
    if (fault := incomparable(peak.unit, serving, name, used)) is not None:
        return fault
    headroom = serving.headroom
    asked = converted(wanted, peak.unit, serving.unit)
    left = (
        f"{name} has {serving.shown(headroom)} left"
        if serving.usage
        else f"{name} has {serving.shown(headroom)}"
    )
    if at_most(asked, headroom):
        return Outcome(Verdict.PASS, f"{used}; {left}")
    return Outcome(Verdict.REGRESSION, f"{used}; {left}", _with_usage(asked, serving))


def held_back(peak: Peak, baseline: Entry | None, name: str) -> Outcome | None:
    """Of a peak that fits: it tells little where the baseline, called `name`, granted no more than that."""
    if baseline is None or factor(peak.unit, baseline.unit) is None or baseline.limit is UNKNOWN:
        return None
    nearly_all = converted(peak.amount / _NEARLY_ALL, peak.unit, baseline.unit)
    if not at_most(baseline.limit, nearly_all):
        return None
    used, granted = amount_text(peak.amount, peak.unit), baseline.shown(baseline.limit)
    cause = (
        f"the load test used {used} of the {granted} that {name} grants: it may have been held back, "
        "and the release need more"
    )
    return Outcome(Verdict.WARN, cause, remedy=f"test again with more of it in {name}")


def judge_snapshot(approved: Entry, serving: Entry | None, name: str) -> Outcome:
    """Rule 3: serving has not less than it had when the snapshot was approved."""
    had = f"{name} had {approved.shown(approved.effective)} when the snapshot was taken"
    if approved.effective is UNKNOWN:
        return Outcome(
            Verdict.ERROR, f"the snapshot does not tell the limit of {name}", remedy="take another one"
        )
    if serving is None:
        return Outcome(Verdict.REGRESSION, f"{had}, and has no such limit now", approved.effective)
    now = f"{had} and has {serving.shown(serving.effective)} now"
    fault = incomparable(approved.unit, serving, name, had)
    return fault or _granted(approved.effective, approved.unit, serving, now)


def judge_need(
    seasonal: SeasonalNeed, serving: Entry | None, name: str, lead: LeadTime, today: date
) -> Outcome | None:
    """Rule 4: serving has the need; on days without one None, shortly before a Warn at most.

    That is as long before as the policy says, and never too late to ask for more.
    """
    outcome = _judge_need(seasonal, serving, name, lead, today)
    if outcome is None or outcome.enough is None or isinstance(outcome.enough, NoNumber):
        return outcome
    more = missing_amount(outcome.enough, seasonal.need.unit, serving)
    return replace(outcome, cause=f"{outcome.cause}: {ask(more, seasonal.season, lead, today)}")


def missing_amount(enough: Limit, unit: Unit, serving: Entry | None) -> str:
    """For people: what is granted too little. `enough`: in serving's unit; without a limit in `unit`."""
    if serving is None or isinstance(enough, NoNumber) or isinstance(serving.effective, NoNumber):
        return limit_text(enough, unit)
    return serving.shown(enough - serving.effective)


def _judge_need(
    seasonal: SeasonalNeed, serving: Entry | None, name: str, lead: LeadTime, today: date
) -> Outcome | None:
    need, season = seasonal.need, seasonal.season
    if season is None or season.contains(today):
        return _met(need, serving, name, "")
    begins = season.begins(today, max(seasonal.lead_days, lead.days))
    if begins is None:
        return None
    ahead = (begins - today) // timedelta(days=1)
    outcome = _met(need, serving, name, f", from {begins:%-d %B %Y} on (in {ahead} day{'s' * (ahead > 1)})")
    if outcome.verdict is Verdict.REGRESSION:
        return Outcome(Verdict.WARN, outcome.cause, outcome.enough)
    return outcome


def _met(need: Need, serving: Entry | None, name: str, when: str) -> Outcome:
    wanted = f"{amount_text(need.amount, need.unit)} are needed{when} ({need.because})"
    if serving is None:
        return Outcome(Verdict.REGRESSION, f"{wanted}; {name} has no such limit", need.amount)
    told = f"{wanted}; {name} has {serving.shown(serving.effective)}"
    fault = incomparable(need.unit, serving, name, wanted)
    return fault or _granted(need.amount, need.unit, serving, told)


def _granted(asked: Limit, unit: Unit, serving: Entry, told: str) -> Outcome:
    """Whether serving has as much, where both can be compared."""
    amount = converted(asked, unit, serving.unit)
    if at_most(amount, serving.effective):
        return Outcome(Verdict.PASS, told)
    return Outcome(Verdict.REGRESSION, told, amount)


def incomparable(unit: Unit, serving: Entry, name: str, told: str) -> Outcome | None:
    """Why nothing can be said, if nothing can."""
    if factor(unit, serving.unit) is None:
        cause = f"{told}; {name} counts in {serving.unit}, which cannot be had from {unit}"
        return Outcome(Verdict.ERROR, cause, remedy=f"write it in {serving.unit}")
    if serving.effective is UNKNOWN:
        cause = f"{told}; {name} does not tell the limit"
        return Outcome(Verdict.ERROR, cause, remedy=f"find out why {serving.source or name} does not tell it")
    return None


def _with_usage(asked: Limit, serving: Entry) -> Limit:
    return asked if isinstance(asked, NoNumber) else asked + (serving.usage or 0)
