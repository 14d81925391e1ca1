"""Rules 2 to 4, waivers and snapshots."""

from __future__ import annotations

import json
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.domain.errors import InvalidRecord, InvalidSpec
from devperfops_operator.domain.quota.check import check
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Need
from devperfops_operator.domain.quota.finding import Rule, Verdict, Waiver
from devperfops_operator.domain.quota.rules import SeasonalNeed
from devperfops_operator.domain.quota.season import Season, parse_day
from devperfops_operator.domain.quota.snapshot import Snapshot, changes, read, write
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import amount_text, factor, parse_unit
from tests.unit.domain.quota.limits import (
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

PASS, WARN, REGRESSION, ERROR = Verdict
SAFE = Terms(safety=Fraction(6, 5))


@pytest.mark.parametrize(
    ("used", "serving", "verdict"),
    [
        (80, [entry(100)], PASS),
        (84, [entry(100)], REGRESSION),
        (80, [entry(100, usage=Fraction(5))], REGRESSION),
        (80, [entry(UNLIMITED)], PASS),
        (80, [entry(200, pending=Fraction(90))], REGRESSION),
        (80, [entry(UNKNOWN)], ERROR),
        (80, [entry(1, "By")], ERROR),
        (80, [entry(1000, at={"region": "eu"})], ERROR),
        (80, [], ERROR),
    ],
)
def test_the_peak_times_the_safety_fits_into_what_serving_has_left(
    used: int, serving: list[Entry], verdict: Verdict
) -> None:
    found = findings([entry(90)], serving, Rule.PEAK, SAFE, peaks=[peak(used)])
    assert [each.verdict for each in found] == [verdict]


def test_two_environments_that_are_equal_and_both_too_small_are_found_by_the_peak() -> None:
    report = check(SAFE, observed([entry(1000)], [entry(1000)], peaks=[peak(900)]), NOW)
    assert [(each.rule, each.verdict) for each in report.findings] == [
        (Rule.BASELINE, PASS),
        (Rule.PEAK, REGRESSION),
    ]
    found = report.findings[1]
    assert (found.peak, found.headroom) == (900, 1000)
    assert (
        found.cause
        == "the load test used 900/min, with a safety of 1.2 that is 1,080/min; production has 1,000/min"
    )
    assert found.remedy == "raise it to at least 1,080/min in limits.yaml"


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [(entry(95), WARN), (entry(100), WARN), (entry(101), PASS), (entry(UNLIMITED), PASS)],
)
def test_a_peak_that_the_baselines_own_quota_may_have_held_back_is_told(
    limit: Entry, verdict: Verdict
) -> None:
    (found,) = findings([limit], [entry(500)], Rule.PEAK, peaks=[peak(95)])
    assert found.verdict is verdict
    if verdict is WARN:
        assert "it may have been held back, and the release need more" in found.cause
        assert found.remedy == "test again with more of it in load-test"


def test_what_others_use_is_added_to_what_is_asked_for() -> None:
    (found,) = findings([], [entry(100, usage=Fraction(40))], Rule.PEAK, SAFE, peaks=[peak(100)])
    assert found.remedy == "raise it to at least 160/min in limits.yaml"


def test_a_peak_of_everything_is_not_held_against_one_region() -> None:
    serving = [entry(1000), entry(50, at={"region": "eu"})]
    found = findings([entry(900)], serving, Rule.PEAK, SAFE, peaks=[peak(500)])
    assert [(each.dimensions, each.verdict) for each in found] == [((), PASS)]


def test_peaks_are_named_as_in_the_baseline() -> None:
    terms = Terms(dimension_map={"region": {"test-eu": "eu"}})
    serving = [entry(100, at={"region": "eu"})]
    found = findings([], serving, Rule.PEAK, terms, peaks=[peak(101, region="test-eu")])
    assert [(each.dimensions, each.verdict) for each in found] == [((("region", "eu"),), REGRESSION)]


@pytest.mark.parametrize(
    ("approved", "now", "verdict"),
    [
        (entry(100), entry(100), PASS),
        (entry(100), entry(200), PASS),
        (entry(100), entry(99), REGRESSION),
        (entry(UNLIMITED), entry(10**9), REGRESSION),
        (entry(100), entry(100, pending=Fraction(50)), REGRESSION),
        (entry(100), entry(50, at={"region": "eu"}), REGRESSION),
        (entry(100), entry(UNKNOWN), ERROR),
        (entry(UNKNOWN), entry(1), ERROR),
        (entry(100), entry(1, "By"), ERROR),
    ],
)
def test_serving_has_not_less_than_when_the_snapshot_was_approved(
    approved: Entry, now: Entry, verdict: Verdict
) -> None:
    found = findings([], [now], Rule.SNAPSHOT, approved=reading("production", approved))
    assert max((each.verdict for each in found), key=list(Verdict).index) is verdict


def test_a_drop_is_found_without_a_baseline_and_new_limits_are_no_drop() -> None:
    found = findings([], [entry(5, metric="new")], Rule.SNAPSHOT, approved=reading("production", entry(100)))
    assert [(each.metric, each.verdict) for each in found] == [("calls", REGRESSION)]
    assert found[0].cause == "production had 100/min when the snapshot was taken, and has no such limit now"


def need(amount: int, first: str = "", last: str = "", lead_days: int = 30) -> SeasonalNeed:
    season = Season(parse_day(first, "from"), parse_day(last, "to")) if first else None
    return SeasonalNeed(
        Need("ledger", "calls", parse_unit("1/min"), Fraction(amount), "as last year"), season, lead_days
    )


@pytest.mark.parametrize(
    ("needed", "limit", "verdicts"),
    [
        (need(1000), 1000, [PASS]),
        (need(1000), 999, [REGRESSION]),
        (need(1000, "12-01", "01-31"), 999, [REGRESSION]),
        (need(1000, "01-01", "04-30"), 999, [WARN]),
        (need(1000, "01-01", "04-30"), 1000, [PASS]),
        (need(1000, "01-01", "04-30", lead_days=21), 999, []),
        (need(1000, "06-01", "12-09"), 999, []),
        (need(1000, "06-01", "12-10"), 999, [REGRESSION]),
    ],
)
def test_what_the_season_asks_is_granted(needed: SeasonalNeed, limit: int, verdicts: list[Verdict]) -> None:
    found = findings([], [entry(limit)], Rule.NEED, Terms(needs=[needed]))
    assert [each.verdict for each in found] == verdicts


def test_a_need_to_come_is_told_with_its_day() -> None:
    (found,) = findings([], [entry(900)], Rule.NEED, Terms(needs=[need(1000, "01-01", "04-30")]))
    assert found.cause == (
        "1,000/min are needed, from 1 January 2027 on (in 22 days) (as last year); production has 900/min: "
        "ask for 100/min more by 18 December 2026 (lead time 14 days, assumed)"
    )
    assert found.remedy == "raise it to at least 1,000/min in limits.yaml"
    assert (found.wanted, found.limit) == (1000, 900)


def test_a_need_of_what_serving_does_not_have_is_a_regression() -> None:
    (found,) = findings([entry(1, metric="other")], [], Rule.NEED, Terms(needs=[need(5)]))
    assert found.verdict is REGRESSION


DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@given(DAYS, DAYS, DAYS)
def test_a_season_holds_its_ends_and_its_complement_nothing_of_it(first: date, last: date, day: date) -> None:
    season = Season((first.month, first.day), (last.month, last.day))
    assert season.contains(first)
    assert season.contains(last)
    begins = season.begins(day, 366)
    assert begins is None or season.first in {(begins.month, begins.day), (2, 29)}
    if season.contains(day):
        assert begins is None


@pytest.mark.parametrize("text", ["1-1", "13-01", "02-30", "january", "01-01-2027", ""])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec, match="write month and day, as in 12-15"):
        parse_day(text, "from")


def waiver(days: float, **more: object) -> Waiver:
    fields = {
        "name": "asked",
        "service": "ledger",
        "metric": "calls",
        "dimensions": (),
        "reason": "asked for",
        "approver": "Ada",
        "expires": NOW + timedelta(days=days),
    }
    return Waiver(**{**fields, **more})


def test_a_waived_regression_is_shown_and_does_not_count() -> None:
    report = check(Terms(), observed([entry(2)], [entry(1)], waivers=[waiver(1)]), NOW)
    assert report.verdict is PASS
    assert [(each.verdict, each.waiver) for each in report.findings] == [(REGRESSION, waiver(1))]


def test_an_expired_waiver_is_named_and_does_not_count() -> None:
    report = check(Terms(), observed([entry(2)], [entry(1)], waivers=[waiver(0)]), NOW)
    assert report.verdict is REGRESSION
    assert (report.expired, report.unneeded) == ([waiver(0)], [])


@pytest.mark.parametrize(
    "other", [{"metric": "writes"}, {"service": "storage"}, {"dimensions": (("region", "us"),)}], ids=str
)
def test_a_waiver_is_for_its_own_limit_alone(other: dict[str, object]) -> None:
    limits = [entry(2, at={"region": "eu"})], [entry(1, at={"region": "eu"})]
    report = check(Terms(), observed(*limits, waivers=[waiver(1, **other)]), NOW)
    assert report.verdict is REGRESSION
    assert len(report.unneeded) == 1


def test_an_error_cannot_be_waived() -> None:
    report = check(Terms(), observed([entry(UNKNOWN)], [entry(1)], waivers=[waiver(1)]), NOW)
    assert report.verdict is ERROR


ANY = st.builds(
    lambda limit, unit, at, usage, pending: entry(
        limit, unit, at=at, usage=usage, pending=pending, observed_at=NOW
    ),
    LIMITS,
    UNITS,
    REGIONS,
    st.none() | st.fractions(0, 100, max_denominator=3),
    st.none() | LIMITS,
)


@given(st.lists(ANY, max_size=5))
def test_a_snapshot_is_read_as_it_was_written(entries: list[Entry]) -> None:
    seen = reading("production", *entries, unlimited=frozenset({"resourcequota"}))
    back = read(json.loads(json.dumps(write(Snapshot("january", NOW, seen, seen)))))
    assert (back.policy, back.taken_at, back.serving.unlimited) == ("january", NOW, seen.unlimited)
    assert sorted(map(repr, back.serving.entries)) == sorted(map(repr, entries))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it["serving"]["limits"][0].update(limit="5"), "somebody changed it"),
        (lambda it: it.update(takenAt="2020-01-01T00:00:00+00:00"), "somebody changed it"),
        (lambda it: it.pop("digest"), "somebody changed it"),
        (lambda it: it.update(schema="other"), "it is no snapshot"),
    ],
)
def test_a_changed_snapshot_is_refused(change, said: str) -> None:
    document = write(Snapshot("january", NOW, reading("a", entry(1)), reading("b", entry(1))))
    change(document)
    with pytest.raises(InvalidRecord, match=said):
        read(document)


def test_changes_are_told_and_what_is_lower_is_marked() -> None:
    old = reading("production", entry(100), entry(5, metric="gone"), entry(1, "1/s", metric="same"))
    new = reading("production", entry(90), entry(7, metric="new"), entry(60, "1/min", metric="same"))
    found = {each.entry.metric: (each.before, each.after, each.lower) for each in changes(old, new)}
    assert found == {"calls": (100, 90, True), "gone": (5, None, True), "new": (None, 7, False)}


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (1000, "1/min", "1,000/min"),
        (Fraction(3, 2), "cores", "1.5 cores"),
        (500, "millicores", "0.5 cores"),
        (16, "GiBy", "16 GiB"),
        (1000, "By", "1,000 bytes"),
        (5, "requests/s/{project}", "5 requests/s"),
        (-2, "1/100s", "-2/100s"),
        (Fraction(2, 3), "1", "0.666667"),
        (2**63 + 1, "1", "9,223,372,036,854,775,809"),
    ],
)
def test_amounts_are_written_for_people(amount: Fraction, unit: str, text: str) -> None:
    assert amount_text(Fraction(amount), parse_unit(unit)) == text


@pytest.mark.parametrize("text", ["", "1/m", "1/min/project", "1 / min", "a" * 100])
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec, match=r"write for example 1, By, cores, 1/min"):
        parse_unit(text)


@given(st.sampled_from(["1/s", "1/min", "1/h", "1/d"]), st.sampled_from(["1/s", "1/min", "1/h", "1/d"]))
def test_there_and_back_is_the_same_amount(one: str, other: str) -> None:
    there, back = factor(parse_unit(one), parse_unit(other)), factor(parse_unit(other), parse_unit(one))
    assert there * back == 1
