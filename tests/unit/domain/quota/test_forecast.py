"""Rule 5: what blocks is a measured figure at a measured peak; whatever is assumed is told."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.consumption import Counts
from devperfops_operator.domain.quota.check import check
from devperfops_operator.domain.quota.consumed import consumed_of, consumption_status
from devperfops_operator.domain.quota.consumption import Consumed, Figure, Meter, Metering, RequestPeak
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry
from devperfops_operator.domain.quota.finding import Finding, Rule, Verdict, Waiver
from devperfops_operator.domain.quota.forecast import needed
from devperfops_operator.domain.quota.lead_times import Declared
from devperfops_operator.domain.quota.season import Season
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import parse_unit
from tests.unit.domain.quota.limits import NOW, entry, observed

PASS, WARN, REGRESSION, ERROR = Verdict.PASS, Verdict.WARN, Verdict.REGRESSION, Verdict.ERROR
READS = Meter("ledger", "calls", parse_unit("1/min"), Counts.CALLS)
CPU = Meter("ledger", "cpu", parse_unit("cores"), Counts.CPU)
MEMORY = Meter("ledger", "memory", parse_unit("GiBy"), Counts.MEMORY)
MORE = Figure(Fraction("1.44"), Fraction("1.42"), Fraction("1.46"), before=Fraction("1.2"))
THOUSAND = RequestPeak(Fraction(1000, 60), "January, by the load profile", Season((1, 1), (1, 31)))


def of(
    figure: Figure | None,
    serving: list[Entry],
    *peaks: RequestPeak,
    meter: Meter = READS,
    **terms: Any,
) -> list[Finding]:
    figures = {} if figure is None else {meter.title: figure}
    asked = Terms(metering=Metering((meter,)), **terms)
    consumed = Consumed(figures, peaks or (THOUSAND,))
    report = check(asked, observed([], serving, consumed=consumed), NOW)
    return [each for each in report.findings if each.rule is Rule.CONSUMPTION]


def test_the_story_of_the_issue() -> None:
    (found,) = of(MORE, [entry(1000)], lead_times=[Declared(20, service="ledger")])
    assert found.cause == (
        "1.44 calls per request (1.42 to 1.46; 1.2 at the known-good revision): this revision needs 1,440/min "
        "at the peak of 1,000 requests a minute (January, by the load profile); production has 1,000/min: "
        "ask for 440/min more by 12 December 2026 (lead time 20 days)"
    )
    assert found.remedy == "raise it to at least 1,440/min in limits.yaml"
    assert (found.verdict, found.wanted, found.limit) == (REGRESSION, 1440, 1000)


@pytest.mark.parametrize(
    ("figure", "peak", "limit", "verdict", "words"),
    [
        (MORE, THOUSAND, entry(1440), PASS, "production has 1,440/min"),
        (MORE, THOUSAND, entry(UNLIMITED), PASS, "production has unlimited"),
        (MORE, THOUSAND, entry(1439), WARN, "that it needs so much is not shown: test longer"),
        (MORE, THOUSAND, entry(1419), REGRESSION, "ask for 21/min more by 18 December"),
        (MORE, THOUSAND, entry(2000, pending=Fraction(100)), REGRESSION, "production has 100/min"),
        (
            MORE,
            replace(THOUSAND, assumed="nobody measured it"),
            entry(1),
            WARN,
            "an estimate: nobody measured",
        ),
        (replace(MORE, doubts=("only 3 scrapes",)), THOUSAND, entry(1), WARN, "an estimate: only 3 scrapes"),
        (replace(MORE, doubts=("only 3 scrapes",)), THOUSAND, entry(5000), PASS, "only 3 scrapes"),
        (Figure(None, doubts=("no series",)), THOUSAND, entry(1), WARN, "is not known: no series"),
        (None, THOUSAND, entry(1), WARN, "is not known: no run has measured it yet"),
        (MORE, THOUSAND, entry(UNKNOWN), ERROR, "does not tell the limit"),
        (MORE, THOUSAND, entry(1, "By"), ERROR, "cannot be had from 1/min"),
        (MORE, THOUSAND, entry(24, "1/s"), PASS, "1,440/min"),
        (MORE, THOUSAND, entry(23, "1/s"), REGRESSION, "ask for 1/s more"),
    ],
)
def test_the_line_between_a_block_and_a_word(
    figure: Figure | None, peak: RequestPeak, limit: Entry, verdict: Verdict, words: str
) -> None:
    (found,) = of(figure, [limit], peak)
    assert found.verdict is verdict
    assert words in found.cause


def test_what_serving_does_not_have_is_lacking() -> None:
    (found,) = of(MORE, [entry(1, metric="other")])
    assert found.verdict is REGRESSION
    assert "production has no such limit: ask for 1,440/min more" in found.cause


def test_without_a_peak_there_is_no_forecast() -> None:
    asked = Terms(metering=Metering((READS,)))
    consumed = Consumed({READS.title: MORE})
    report = check(asked, observed([], [entry(1)], consumed=consumed), NOW)
    (found,) = [each for each in report.findings if each.rule is Rule.CONSUMPTION]
    assert (found.verdict, "production's peak is not known" in found.cause) == (WARN, True)


def test_each_peak_is_a_row_and_those_of_the_policy_are_estimates() -> None:
    declared = RequestPeak(Fraction(50), "sales", assumed="the peak is declared, and was not measured")
    found = of(MORE, [entry(1500)], peaks=[declared])
    assert [(each.verdict, each.wanted) for each in found] == [(PASS, 1440), (WARN, 4320)]


def test_processors_are_forecast_and_block() -> None:
    taken = Figure(Fraction("0.05"), Fraction("0.049"), Fraction("0.051"))
    (found,) = of(taken, [entry(1, "cores", metric="cpu")], RequestPeak(Fraction(30), "x"), meter=CPU)
    assert (found.verdict, found.wanted) == (REGRESSION, Fraction("1.5"))
    assert "0.05 processor seconds per request" in found.cause


@pytest.mark.parametrize(
    ("peak", "limit", "verdict", "asked"),
    [(10, 1, PASS, 1), (20, 1, WARN, 2), (20, 2, PASS, 2), (5, 1, PASS, 1)],
)
def test_memory_is_never_less_than_it_was_and_never_blocks(
    peak: int, limit: int, verdict: Verdict, asked: int
) -> None:
    taken = Figure(Fraction(1024**3), rate=Fraction(10))
    serving = [entry(limit, "GiBy", metric="memory")]
    (found,) = of(taken, serving, RequestPeak(Fraction(peak), "x"), meter=MEMORY)
    assert (found.verdict, found.wanted) == (verdict, asked)
    assert "1,024 MiB at 10 requests a second" in found.cause
    assert "memory is taken to grow with the requests" in found.cause


def test_a_waiver_is_for_it_too() -> None:
    waiver = Waiver("w", "ledger", "calls", (), "asked for", "Ada", NOW.replace(year=2030))
    both = observed([], [entry(1000)], consumed=Consumed({READS.title: MORE}, [THOUSAND]), waivers=[waiver])
    report = check(Terms(metering=Metering((READS,))), both, NOW)
    (found,) = [each for each in report.findings if each.rule is Rule.CONSUMPTION]
    assert (found.waiver, found.counted) == (waiver, PASS)


SHARES = st.fractions(0, 1000, max_denominator=1000)
DOUBTS = st.lists(st.sampled_from(["thin", "a counter began anew"]), max_size=2, unique=True).map(tuple)


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    least, value, most = sorted(draw(st.lists(SHARES, min_size=3, max_size=3)))
    return Figure(value, least, most, Fraction(10), draw(DOUBTS), draw(st.none() | SHARES))


PEAKS = st.builds(
    RequestPeak,
    st.fractions(Fraction(1, 100), 5000, max_denominator=100),
    st.just("the busiest hour"),
    st.none() | st.just(Season((12, 15), (1, 10))),
    st.none() | st.just("nobody measured it"),
)


@given(figures(), PEAKS, st.integers(0, 10**6))
def test_only_what_is_measured_and_shown_blocks(figure: Figure, peak: RequestPeak, limit: int) -> None:
    (found,) = of(figure, [entry(limit)], peak)
    assert figure.value is not None
    assert figure.least is not None
    assert (found.verdict is PASS) == (needed(READS, figure.value, None, peak.rate) <= limit)
    shown = (
        needed(READS, figure.least, None, peak.rate) > limit and not figure.doubts and peak.assumed is None
    )
    assert (found.verdict is REGRESSION) == shown
    assert ("an estimate" in found.cause) == bool(figure.doubts or peak.assumed)


@given(SHARES, PEAKS)
def test_what_is_needed_is_so_much_a_minute_as_requests_take(value: Fraction, peak: RequestPeak) -> None:
    assert float(needed(READS, value, None, peak.rate)) == pytest.approx(
        float(value * peak.rate * 60), rel=1e-5
    )


@given(figures(), PEAKS, st.integers(0, 10**6))
def test_what_a_run_keeps_is_judged_alike_later(figure: Figure, peak: RequestPeak, limit: int) -> None:
    """Six digits are kept; whatever these say, they go on to say."""
    metering = Metering((READS,))
    before = Consumed({READS.title: figure}, [peak])
    report = check(Terms(metering=metering), observed([], [entry(limit)], consumed=before), NOW)
    once = consumption_status(metering, before, report)
    again = consumed_of(once)
    second = check(Terms(metering=metering), observed([], [entry(limit)], consumed=again), NOW)
    kept = consumption_status(metering, again, second)
    assert (kept.figures[0].per_request, kept.peaks) == (once.figures[0].per_request, once.peaks)
    assert consumed_of(kept).figures == again.figures
