"""From a rule's answer to what is shown of it, with the command that mends it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from devperfops_operator.domain.quota.buckets import Pair
from devperfops_operator.domain.quota.entry import (
    UNKNOWN,
    Entry,
    Limit,
    NoNumber,
    converted,
    limit_json,
    limit_text,
)
from devperfops_operator.domain.quota.finding import Finding, Outcome, Rule, Verdict
from devperfops_operator.domain.quota.units import Unit, factor

_STEPS = 1_000
"""Of a processor or a gibibyte; requests and bytes are whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An amount that serving is to grant."""

    amount: Limit
    unit: Unit

    @classmethod
    def granted(cls, entry: Entry) -> Wanted:
        """As much as there."""
        return cls(entry.effective, entry.unit)


def finding_of(rule: Rule, pair: Pair, wanted: Wanted | None, outcome: Outcome, name: str) -> Finding:
    """`wanted`: what serving, called `name`, is held against. Amounts are in serving's unit."""
    serving = pair.serving
    unit = _unit(serving, wanted)
    return Finding(
        rule=rule,
        verdict=outcome.verdict,
        service=pair.service,
        metric=pair.metric,
        dimensions=pair.dimensions,
        unit=unit,
        wanted=None if wanted is None else _in(wanted.amount, wanted.unit, unit),
        limit=None if serving is None else serving.effective,
        peak=None if pair.peak is None else _in(pair.peak.amount, pair.peak.unit, unit),
        headroom=None if serving is None or serving.effective is UNKNOWN else serving.headroom,
        enough=whole(outcome.enough, unit) if isinstance(outcome.enough, Fraction) else outcome.enough,
        cause=outcome.cause,
        remedy="" if outcome.verdict is Verdict.PASS else _remedy(pair, outcome, unit, name),
    )


def _unit(serving: Entry | None, wanted: Wanted | None) -> Unit:
    return next(each.unit for each in (serving, wanted) if each is not None)


def _in(limit: Limit, source: Unit, target: Unit) -> Limit | None:
    return None if factor(source, target) is None else converted(limit, source, target)


def _remedy(pair: Pair, outcome: Outcome, unit: Unit, name: str) -> str:
    if outcome.enough is None:
        return outcome.remedy
    if isinstance(outcome.enough, NoNumber):
        return f"let {name} have no limit of it either, or give the load test one"
    enough = whole(outcome.enough, unit)
    if pair.serving is None and pair.baseline is not None and pair.baseline.ordinal:
        return f"create {pair.metric} in {name}, at {limit_text(enough, unit)} or more"
    if pair.serving is None:
        return f"give {name} a limit of at least {limit_text(enough, unit)} for {pair.metric}"
    return _raised(pair.serving, enough)


def _raised(serving: Entry, enough: Fraction) -> str:
    if serving.raised_by:
        return serving.raised_by.replace("{limit}", limit_json(enough))
    return f"raise it to at least {serving.shown(enough)} in {serving.source or serving.provider}"


def whole(amount: Fraction, unit: Unit) -> Fraction:
    """An amount in that unit, rounded up to what can be granted."""
    steps = 1 if unit.scale == 1 and unit.base != "cores" else _STEPS
    return Fraction(math.ceil(amount * steps), steps)
