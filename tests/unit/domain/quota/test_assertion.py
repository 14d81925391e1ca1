"""Rule 1, each row of the decision table, and what must hold for all limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.domain.quota.buckets import pairs
from devperfops_operator.domain.quota.check import check
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Fault, Limit, Peak, lower
from devperfops_operator.domain.quota.finding import Report, Rule, Verdict
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import factor, parse_unit
from tests.unit.domain.quota.limits import (
    AMOUNTS,
    LIMITS,
    NOW,
    REGIONS,
    UNITS,
    entry,
    findings,
    observed,
    peak,
    reading,
)


class Row(NamedTuple):
    """`said`: a part of the cause."""

    baseline: list[Entry]
    serving: list[Entry]
    verdict: Verdict
    said: str
    peaks: tuple[Peak, ...] = ()
    terms: Terms = Terms()


PASS, WARN, REGRESSION, ERROR = Verdict
EU, TEST_EU = {"region": "eu"}, {"region": "test-eu"}
MAP = Terms(dimension_map={"region": {"test-eu": "eu"}})
TABLE = {
    "less in the baseline": Row(
        [entry(100)], [entry(120)], PASS, "load-test has 100/min, production has 120/min"
    ),
    "as much in the baseline": Row([entry(100)], [entry(100)], PASS, "100/min"),
    "more in the baseline": Row([entry(101)], [entry(100)], REGRESSION, "may be refused there"),
    "the baseline is twice as large by design": Row(
        [entry(200)], [entry(100)], PASS, "scale 2: 100/min asked", terms=Terms(scale=Fraction(2))
    ),
    "both unlimited": Row([entry(UNLIMITED)], [entry(UNLIMITED)], PASS, "production is unlimited"),
    "only serving unlimited": Row([entry(100)], [entry(UNLIMITED)], PASS, "production is unlimited"),
    "only the baseline unlimited": Row([entry(UNLIMITED)], [entry(100)], REGRESSION, "no peak"),
    "only the baseline unlimited and the peak fits": Row(
        [entry(UNLIMITED)], [entry(100)], PASS, "what the load test used fits", (peak(80),)
    ),
    "only the baseline unlimited and the peak does not fit": Row(
        [entry(UNLIMITED)], [entry(100)], REGRESSION, "does not fit", (peak(120),)
    ),
    "serving zero": Row([entry(100)], [entry(0)], REGRESSION, "production grants nothing of it (0)"),
    "serving zero, baseline unlimited": Row([entry(UNLIMITED)], [entry(0)], REGRESSION, "grants nothing"),
    "serving zero, missing in the baseline": Row([], [entry(0)], REGRESSION, "grants nothing"),
    "both zero": Row([entry(0)], [entry(0)], WARN, "nothing of it can be had in either"),
    "missing in serving": Row([entry(100)], [], REGRESSION, "production has no such limit"),
    "missing in the baseline": Row([], [entry(100)], WARN, "load-test has no such limit"),
    "missing in the baseline and the peak fits": Row([], [entry(100)], PASS, "fits", (peak(100),)),
    "missing in the baseline and the peak does not fit": Row(
        [], [entry(100)], REGRESSION, "not fit", (peak(101),)
    ),
    "units convertible, the same window": Row(
        [entry(2, "GiBy")], [entry(2048, "MiBy")], PASS, "load-test has 2 GiB, production has 2 GiB"
    ),
    "units convertible, more in the baseline": Row(
        [entry(2, "GiBy")], [entry(2047, "MiBy")], REGRESSION, "2 GiB"
    ),
    "windows differ": Row([entry(1, "1/s")], [entry(60, "1/min")], WARN, "windows of another length"),
    "windows differ, more in the baseline": Row(
        [entry(2, "1/s")], [entry(60, "1/min")], REGRESSION, "refused"
    ),
    "units not convertible": Row(
        [entry(1, "By")], [entry(1, "1/min")], ERROR, "counts it in By, production in 1/min"
    ),
    "counted for each of other things": Row(
        [entry(1, "1/min/{user}")], [entry(1, "1/min/{project}")], ERROR, "neither can be had from the other"
    ),
    "regions differ, mapped": Row(
        [entry(100, at=TEST_EU)], [entry(100, at=EU)], PASS, "production has 100/min", terms=MAP
    ),
    "regions differ, mapped, more in the baseline": Row(
        [entry(101, at=TEST_EU)], [entry(500), entry(100, at=EU)], REGRESSION, "has 100/min", terms=MAP
    ),
    "regions differ, not mapped: the global bucket": Row(
        [entry(100, at=TEST_EU)], [entry(50)], REGRESSION, "production has 50/min"
    ),
    "a more specific bucket in the baseline": Row(
        [entry(50), entry(100, at=EU)],
        [entry(80)],
        REGRESSION,
        "load-test has 100/min, production has 80/min",
    ),
    "a more specific bucket in serving": Row(
        [entry(80)], [entry(100), entry(50, at=EU)], REGRESSION, "load-test has 80/min, production has 50/min"
    ),
    "a change pending in serving, downwards": Row(
        [entry(100)], [entry(120, pending=Fraction(80))], REGRESSION, "changing to 80/min; the lower counts"
    ),
    "a change pending in serving, upwards": Row(
        [entry(100)], [entry(80, pending=Fraction(120))], REGRESSION, "changing to 120/min; the lower counts"
    ),
    "a change pending in the baseline, upwards": Row(
        [entry(100, pending=Fraction(200))], [entry(120)], PASS, "the lower counts"
    ),
    "a change pending in the baseline, downwards": Row(
        [entry(200, pending=Fraction(100))], [entry(120)], WARN, "load-test may still have 200/min"
    ),
    "not told in serving": Row([entry(100)], [entry(UNKNOWN)], ERROR, "production does not tell the limit"),
    "not told in the baseline": Row([entry(UNKNOWN)], [entry(UNLIMITED)], ERROR, "load-test does not tell"),
    "stale": Row(
        [entry(100)], [entry(200, observed_at=NOW - timedelta(hours=25))], ERROR, "more than 24.0 hours ago"
    ),
}


def all_of(row: Row) -> Report:
    return check(row.terms, observed(row.baseline, row.serving, peaks=row.peaks), NOW)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_a_row_of_the_decision_table(row: Row) -> None:
    found = [each for each in all_of(row).findings if each.rule is not Rule.PEAK]
    assert max(found, key=lambda each: list(Verdict).index(each.verdict)).verdict is row.verdict
    assert any(row.said in each.cause and each.verdict is row.verdict for each in found)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_what_needs_a_person_says_what_to_do(row: Row) -> None:
    for each in all_of(row).findings:
        if each.verdict in (REGRESSION, ERROR):
            assert each.remedy


@pytest.mark.parametrize("faulty", ["baseline", "serving"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("ledger", "403: the caller may not read quota", "give it quota.get"),
        Fault("ledger", "page 2 of 3 could not be read", "check again"),
        Fault("", "no answer", "check again"),
    ],
    ids=["forbidden", "partial page", "away"],
)
def test_what_was_not_read_whole_is_an_error_and_neither_a_pass_nor_a_regression(
    fault: Fault, faulty: str
) -> None:
    seen = observed([entry(200)], [entry(100)])
    seen = replace(seen, **{faulty: replace(getattr(seen, faulty), faults=[fault])})
    (found,) = check(Terms(), seen, NOW).findings
    assert (found.rule, found.verdict, found.remedy) == (Rule.READING, ERROR, fault.remedy)
    assert fault.cause in found.cause


def test_other_services_are_compared_though_one_was_not_read() -> None:
    serving = reading("production", entry(100), faults=[Fault("storage", "403", "ask")])
    report = check(Terms(), replace(observed([entry(200)], []), serving=serving), NOW)
    assert [each.verdict for each in report.findings] == [ERROR, REGRESSION]
    assert report.verdict is ERROR


def test_what_is_stale_and_not_asked_for_is_no_error() -> None:
    old = entry(1, metric="writes", observed_at=NOW - timedelta(days=9))
    terms = Terms(services={"ledger": frozenset({"calls"})})
    assert check(terms, observed([entry(1)], [entry(1), old]), NOW).verdict is PASS


def test_no_limits_at_all_are_no_pass() -> None:
    report = check(Terms(), observed([], []), NOW)
    assert report.verdict is ERROR
    assert "no limit that could be compared" in report.findings[0].cause


def test_a_metric_that_the_policy_names_and_nobody_has_is_an_error() -> None:
    terms = Terms(services={"ledger": frozenset({"calls", "cals"})})
    report = check(terms, observed([entry(1)], [entry(1)]), NOW)
    assert [(each.metric, each.verdict) for each in report.findings] == [("calls", PASS), ("cals", ERROR)]


def test_services_that_the_policy_does_not_name_are_left_out() -> None:
    terms = Terms(services={"ledger": frozenset({"calls"})})
    report = check(terms, observed([entry(1), entry(9, metric="writes")], [entry(1)]), NOW)
    assert [each.metric for each in report.findings] == ["calls"]


def test_where_unlisted_means_unlimited_a_limit_in_serving_alone_is_a_regression() -> None:
    baseline = reading("load-test", unlimited=frozenset({"ledger"}))
    serving = reading("production", entry(5), unlimited=frozenset({"ledger"}))
    report = check(Terms(), replace(observed([], []), baseline=baseline, serving=serving), NOW)
    assert report.verdict is REGRESSION
    turned = check(Terms(), replace(observed([], []), baseline=serving, serving=baseline), NOW)
    assert turned.verdict is PASS


def test_limits_of_one_metric_in_several_windows_meet_their_like() -> None:
    both = [entry(100, "1/min"), entry(10_000, "1/d")]
    found = findings(both, [entry(100, "1/min"), entry(9_000, "1/d")], Rule.BASELINE)
    assert {str(each.unit): each.verdict for each in found} == {"1/min": PASS, "1/d": REGRESSION}


def test_the_remedy_is_the_providers_command_with_the_value_that_is_enough() -> None:
    (found,) = findings([entry(120)], [entry(100, raised_by="raise calls to {limit}")], Rule.BASELINE)
    assert found.remedy == "raise calls to 120"
    (found,) = findings([entry(120)], [entry(100)], Rule.BASELINE)
    assert found.remedy == "raise it to at least 120/min in limits.yaml"


ENTRIES = st.lists(
    st.builds(
        lambda limit, unit, at, pending: entry(limit, unit, at=at, pending=pending),
        *(LIMITS, UNITS, REGIONS, st.none() | LIMITS),
    ),
    min_size=1,
    max_size=4,
)
ORDER = list(Verdict)


def worst(report: Report) -> int:
    return ORDER.index(report.verdict)


@given(ENTRIES, ENTRIES, st.data())
def test_raising_serving_never_makes_a_verdict_worse(
    baseline: list[Entry], serving: list[Entry], data: st.DataObject
) -> None:
    raised = [
        each
        if each.limit is UNLIMITED
        else replace(each, limit=data.draw(st.just(UNLIMITED) | AMOUNTS.map(each.limit.__add__)))
        for each in serving
    ]
    used = data.draw(st.lists(st.builds(peak, st.integers(0, 5_000), UNITS), max_size=1))
    before = check(Terms(), observed(baseline, serving, peaks=used), NOW)
    assert worst(check(Terms(), observed(baseline, raised, peaks=used), NOW)) <= worst(before)


@given(ENTRIES, ENTRIES, st.sampled_from([("1/min", "1/s"), ("1/h", "1/d")]))
def test_another_unit_on_both_sides_changes_nothing(
    baseline: list[Entry], serving: list[Entry], units: tuple[str, str]
) -> None:
    one, other = map(parse_unit, units)
    times = factor(one, other)

    def times_(limit: Limit | None) -> Limit | None:
        return limit * times if isinstance(limit, Fraction) else limit

    def verdicts(*, change: bool) -> list[Verdict]:
        sides = [[replace(each, unit=one) for each in side] for side in (baseline, serving)]
        if change:
            sides = [
                [replace(e, unit=other, limit=times_(e.limit), pending=times_(e.pending)) for e in side]
                for side in sides
            ]
        return [each.verdict for each in check(Terms(), observed(*sides), NOW).findings]

    assert verdicts(change=False) == verdicts(change=True)


@given(ENTRIES, ENTRIES)
def test_expansion_to_the_union_is_symmetric(ours: list[Entry], theirs: list[Entry]) -> None:
    one, other = reading("a", *ours), reading("b", *theirs)
    there = {(p.dimensions, p.baseline, p.serving) for p in pairs(one, other)}
    back = {(p.dimensions, p.serving, p.baseline) for p in pairs(other, one)}
    assert there == back


@given(ENTRIES)
def test_an_environment_compared_with_itself_has_no_regression(entries: list[Entry]) -> None:
    report = check(Terms(), observed(entries, entries), NOW)
    granted = {each.limit for each in report.findings}
    assert report.verdict in (PASS, WARN) or None in granted


@given(LIMITS, LIMITS)
def test_the_lower_of_two_limits_is_one_of_them_and_whoever_asks_first(one, other) -> None:
    assert lower(one, other) == lower(other, one)
    assert lower(one, other) in (one, other)
