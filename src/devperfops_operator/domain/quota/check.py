"""All rules about two environments: readings in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from devperfops_operator.domain.quota import assertion
from devperfops_operator.domain.quota.assertion import Case, Names
from devperfops_operator.domain.quota.buckets import Pair, holding, index, mapped, mapped_dimensions, pairs
from devperfops_operator.domain.quota.consumption import Consumed
from devperfops_operator.domain.quota.entry import UNKNOWN, Entry, Fault, Kind, Need, Peak, Reading
from devperfops_operator.domain.quota.estimates import estimated
from devperfops_operator.domain.quota.finding import Finding, Outcome, Report, Rule, Verdict, Waiver
from devperfops_operator.domain.quota.forecast import Setting, forecasts
from devperfops_operator.domain.quota.lead_times import LeadTime, Subject, lead_time
from devperfops_operator.domain.quota.rules import (
    SeasonalNeed,
    held_back,
    judge_need,
    judge_peak,
    judge_snapshot,
)
from devperfops_operator.domain.quota.telling import Wanted, finding_of
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.waiving import waived

_FITS: Final = {Verdict.PASS: True, Verdict.WARN: True, Verdict.REGRESSION: False}
"""Of rule 2's answers those that say whether the peak does."""


@dataclass(frozen=True, slots=True)
class Observed:
    """`approved`: serving's limits in the last approved snapshot; None: there is no such snapshot.

    `consumed`: what a run measured of the policy's meters; None: none is asked about.
    """

    baseline: Reading
    serving: Reading
    peaks: Sequence[Peak] = ()
    approved: Reading | None = None
    waivers: Sequence[Waiver] = ()
    consumed: Consumed | None = None


def check(terms: Terms, observed: Observed, now: datetime) -> Report:
    """What could not be read whole is an Error and is compared with nothing. `now` is in UTC."""
    baseline, serving = (_fresh(reading, terms, now) for reading in (observed.baseline, observed.serving))
    findings = [*_faults(baseline), *_faults(serving)]
    unread = frozenset(fault.service for fault in (*baseline.faults, *serving.faults))
    if "" not in unread:
        comparison = _Comparison(terms, unread, baseline, serving)
        findings += comparison.by_pairs(observed.peaks)
        findings += comparison.by_snapshot(observed.approved)
        findings += comparison.by_needs(now)
        findings += comparison.by_consumption(observed.consumed, now)
        findings += comparison.by_names()
    return waived(findings or [_nothing(baseline, serving)], observed.waivers, now)


def _fresh(reading: Reading, terms: Terms, now: datetime) -> Reading:
    """What was read too long ago tells nothing about now."""
    oldest: dict[str, datetime] = {}
    for entry in reading.entries:
        if entry.observed_at is not None and terms.wants(entry.service, entry.metric):
            oldest[entry.service] = min(entry.observed_at, oldest.get(entry.service, entry.observed_at))
    stale = [
        Fault(service, _age(at, terms.max_age), "read it again, or raise spec.maxAge of the policy")
        for service, at in oldest.items()
        if now - at > terms.max_age
    ]
    return replace(reading, faults=(*reading.faults, *stale))


def _age(at: datetime, most: timedelta) -> str:
    """The same words at each look."""
    hours = most / timedelta(hours=1)
    return f"the limits were read on {at.astimezone(UTC):%Y-%m-%d %H:%M %Z}, more than {hours:,.1f} hours ago"


def _faults(reading: Reading) -> Iterator[Finding]:
    for fault in reading.faults:
        cause = f"{reading.name}: {fault.cause}"
        verdict = Verdict.WARN if fault.estimated else Verdict.ERROR
        yield Finding(Rule.READING, verdict, fault.service, "", cause=cause, remedy=fault.remedy)


def _nothing(baseline: Reading, serving: Reading) -> Finding:
    cause = f"{baseline.name} and {serving.name} have no limit that could be compared"
    remedy = "look whether the policy names the right environments, and in spec.services what is there"
    return Finding(Rule.READING, Verdict.ERROR, "", "", cause=cause, remedy=remedy)


class _Comparison:
    """Both environments, as far as they were read and are asked for."""

    def __init__(self, terms: Terms, unread: frozenset[str], baseline: Reading, serving: Reading) -> None:
        self._terms = terms
        self._unread = unread
        self._baseline = self._part(baseline)
        self._serving = self._part(serving)

    def by_pairs(self, peaks: Iterable[Peak]) -> Iterator[Finding]:
        """Rules 1 and 2."""
        names = self._terms.dimension_map
        baseline = replace(self._baseline, entries=list(mapped(self._baseline.entries, names)))
        mapped_peaks = [
            replace(peak, dimensions=mapped_dimensions(peak.dimensions, names))
            for peak in peaks
            if self._compared(peak.service, peak.metric)
        ]
        for pair in pairs(baseline, self._serving, mapped_peaks):
            used = self._used(pair)
            if pair.baseline is not None or pair.serving is not None:
                wanted = None if pair.baseline is None else Wanted.granted(pair.baseline)
                yield self._found(Rule.BASELINE, pair, wanted, self._by_baseline(pair, used))
            if pair.peak is not None and used is not None:
                wanted = Wanted(pair.peak.amount * self._terms.safety, pair.peak.unit)
                yield self._found(Rule.PEAK, pair, wanted, used)

    def _by_baseline(self, pair: Pair, used: Outcome | None) -> Outcome:
        fits = None if used is None else _FITS.get(used.verdict)
        names = Names(self._baseline.name, self._serving.name)
        return assertion.judge(Case.of(pair, names, scale=self._terms.scale, peak_fits=fits))

    def _used(self, pair: Pair) -> Outcome | None:
        if pair.peak is None:
            return None
        used = judge_peak(pair.peak, pair.serving, self._serving.name, self._terms.safety)
        if used.verdict is not Verdict.PASS:
            return used
        return held_back(pair.peak, pair.baseline, self._baseline.name) or used

    def by_snapshot(self, approved: Reading | None) -> Iterator[Finding]:
        """Rule 3: of what the snapshot has; limits that are new are none of it."""
        if approved is None:
            return
        for pair in pairs(self._part(approved), self._serving):
            if pair.baseline is not None:
                outcome = judge_snapshot(pair.baseline, pair.serving, self._serving.name)
                yield self._found(Rule.SNAPSHOT, pair, Wanted.granted(pair.baseline), outcome)

    def by_needs(self, now: datetime) -> Iterator[Finding]:
        """Rule 4: the needs of the policy, and those of serving's own objects."""
        indexed = index(self._serving.entries)
        own = [SeasonalNeed(need) for need in self._serving.needs]
        for seasonal in (*self._terms.needs, *own):
            need = seasonal.need
            if not self._compared(need.service, need.metric):
                continue
            entry = holding(indexed, self._serving, need)
            lead = self._lead(need, entry)
            outcome = judge_need(seasonal, entry, self._serving.name, lead, now.date())
            if outcome is not None:
                pair = Pair(need.service, need.metric, need.dimensions, None, entry)
                yield self._found(Rule.NEED, pair, Wanted(need.amount, need.unit), outcome)

    def by_consumption(self, consumed: Consumed | None, now: datetime) -> Iterator[Finding]:
        """Rule 5: what a run measured, at the peaks that it and the policy know."""
        metering = self._terms.metering
        if metering is None or consumed is None:
            return
        consumed = replace(consumed, peaks=[*consumed.peaks, *self._terms.peaks])
        indexed = index(self._serving.entries)
        for meter in metering.meters:
            if not self._compared(meter.service, meter.metric):
                continue
            need = Need(meter.service, meter.metric, meter.unit, Fraction(), "", meter.dimensions)
            entry = holding(indexed, self._serving, need)
            setting = Setting(self._serving.name, entry, self._lead(need, entry), now.date())
            for each in forecasts(meter, consumed, setting):
                pair = Pair(meter.service, meter.metric, meter.dimensions, None, entry)
                wanted = each.wanted or Wanted(UNKNOWN, meter.unit)
                yield self._found(Rule.CONSUMPTION, pair, wanted, each.outcome)

    def _lead(self, need: Need, entry: Entry | None) -> LeadTime:
        """Of a limit that is not there, as its unit has it."""
        kind = Kind.ALLOCATION if need.unit.window is None else Kind.RATE
        kind, source = (kind, "") if entry is None else (entry.kind, entry.provider)
        subject = Subject(need.service, need.metric, kind, source)
        return lead_time(subject, self._terms.lead_times)

    def by_names(self) -> Iterator[Finding]:
        """Services and metrics that the policy names and nobody has."""
        if self._terms.services is None:
            return
        entries = (*self._baseline.entries, *self._serving.entries)
        there = {(entry.service, name) for entry in entries for name in (entry.metric, "")}
        for service, metrics in self._terms.services.items():
            for metric in sorted(metrics) or [""]:
                if service not in self._unread and (service, metric) not in there:
                    yield self._nowhere(service, metric)

    def _nowhere(self, service: str, metric: str) -> Finding:
        baseline, serving = self._baseline, self._serving
        if service in baseline.unlimited & serving.unlimited:
            cause = f"neither {baseline.name} nor {serving.name} limits it"
            return Finding(Rule.BASELINE, Verdict.PASS, service, metric, cause=cause)
        cause = f"the policy asks for it, and neither {baseline.name} nor {serving.name} has such a limit"
        remedy = "correct its name in spec.services of the policy, or leave it out there"
        return Finding(Rule.READING, Verdict.ERROR, service, metric, cause=cause, remedy=remedy)

    def _found(self, rule: Rule, pair: Pair, wanted: Wanted | None, outcome: Outcome) -> Finding:
        told = estimated(outcome, pair.estimates) if pair.estimates else outcome
        return finding_of(rule, pair, wanted, told, self._serving.name)

    def _compared(self, service: str, metric: str) -> bool:
        return service not in self._unread and self._terms.wants(service, metric)

    def _part(self, reading: Reading) -> Reading:
        entries = [entry for entry in reading.entries if self._compared(entry.service, entry.metric)]
        return replace(reading, entries=entries)
