"""By when more of a limit has to be asked for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.quota import Provider
from devperfops_operator.domain.quota.entry import Kind
from devperfops_operator.domain.quota.lead_times import DEFAULTS, Declared, LeadTime, Subject, ask, lead_time
from devperfops_operator.domain.quota.season import Season

READS = Subject("ledger.googleapis.com", "read_calls", Kind.RATE)
JANUARY = Season((1, 1), (1, 31))


@pytest.mark.parametrize(
    ("service", "provider"),
    [
        ("lambda told by aws", Provider.AWS),
        ("shop told by envoy", Provider.ENVOY),
        ("ledger.googleapis.com told by file", Provider.GOOGLE),
        ("ledger.googleapis.com", Provider.GOOGLE),
        ("lambda.amazonaws.com", Provider.AWS),
        ("compute.azure.com", Provider.AZURE),
        ("Microsoft.Compute", Provider.AZURE),
        ("resourcequota", Provider.KUBERNETES),
        ("serviceaddresses", Provider.KUBERNETES),
        ("ledger", Provider.OTHER),
    ],
)
def test_the_table_knows_every_provider_and_kind(service: str, provider: Provider) -> None:
    name, _, source = service.partition(" told by ")
    for kind in Kind:
        found = lead_time(Subject(name, "any", kind, source), ())
        assert found == LeadTime(DEFAULTS[provider][kind], assumed=True)


@pytest.mark.parametrize(
    ("declared", "days"),
    [
        ([Declared(20, provider=Provider.GOOGLE)], 20),
        ([Declared(20, provider=Provider.GOOGLE), Declared(3, kind=Kind.RATE)], 3),
        ([Declared(20, service=READS.service), Declared(3, Provider.GOOGLE, Kind.RATE)], 20),
        ([Declared(20, service=READS.service), Declared(0, metric="read_calls")], 0),
        ([Declared(7, service=READS.service), Declared(9, service=READS.service)], 9),
    ],
)
def test_the_narrowest_word_of_a_policy_counts(declared: list[Declared], days: int) -> None:
    assert lead_time(READS, declared) == LeadTime(days, assumed=False)


def test_what_is_about_others_does_not_count() -> None:
    others = [Declared(1, Provider.AWS), Declared(1, kind=Kind.ALLOCATION), Declared(1, metric="writes")]
    assert lead_time(READS, others).assumed


@pytest.mark.parametrize(
    ("today", "season", "told"),
    [
        (date(2026, 11, 1), JANUARY, "ask for 440/min more by 12 December 2026 (lead time 20 days)"),
        (date(2026, 12, 12), JANUARY, "ask for 440/min more by 12 December 2026 (lead time 20 days)"),
        (
            date(2026, 12, 13),
            JANUARY,
            "440/min more should have been asked for by 12 December 2026 (lead time 20 days): ask at once",
        ),
        (date(2027, 1, 5), JANUARY, "ask for 440/min more at once: it is needed now (lead time 20 days)"),
        (date(2026, 6, 1), None, "ask for 440/min more at once: it is needed now (lead time 20 days)"),
    ],
)
def test_the_day_to_ask_by(today: date, season: Season | None, told: str) -> None:
    assert ask("440/min", season, LeadTime(20, assumed=False), today) == told


def test_what_is_assumed_says_so() -> None:
    told = ask("1", None, LeadTime(1, assumed=True), date(2026, 1, 1))
    assert told.endswith("(lead time 1 day, assumed)")


DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@given(DAYS, DAYS, DAYS, st.integers(0, 365))
def test_who_asks_by_that_day_has_it_when_the_season_begins(
    today: date, first: date, last: date, days: int
) -> None:
    season = Season((first.month, first.day), (last.month, last.day))
    told = ask("x", season, LeadTime(days, assumed=False), today)
    begins = season.begins(today, 366)
    if begins is None:
        assert "needed now" in told
        return
    by = begins - timedelta(days=days)
    assert f"by {by:%-d %B %Y} " in told
    assert ("should have been" in told) == (today > by)
