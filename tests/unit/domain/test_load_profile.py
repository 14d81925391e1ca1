"""Load profiles from hourly rates: shares, Little's law, the busiest hour of the week, growth, doubts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.analysis.series import Series, SeriesError
from devperfops_operator.api.load_profile import LoadProfile, Window
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.load_profile import naming
from devperfops_operator.domain.load_profile.doubts import doubts
from devperfops_operator.domain.load_profile.making import Asked, make
from devperfops_operator.domain.load_profile.naming import Naming, choose
from devperfops_operator.domain.load_profile.traffic import PROBES, Within, gathered

LAST = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday
OTEL = Naming("OpenTelemetry", "t_seconds_count", "t_seconds", ("http_request_method", "http_route"))
MILLI = replace(OTEL, requests="t_milliseconds_count", durations="t_milliseconds")
NOON = 12
NOTHING = Within({}, {})


def hours_of(weeks: float) -> list[int]:
    """Before LAST, in hours since 1970."""
    last = int(LAST.timestamp() // 3600)
    return list(range(last - round(weeks * 168), last))


def series(method: str, route: str, rates: Mapping[int, float], factor: float = 1.0) -> Series:
    labels = {"http_request_method": method, "http_route": route}
    return Series(labels, [((hour + 1) * 3600.0, rate * factor) for hour, rate in rates.items()])


def asked(**changes: object) -> Asked:
    usual = Asked(
        name="shop",
        prometheus="http://127.0.0.1:9090",
        naming=OTEL,
        first=LAST - timedelta(weeks=4),
        last=LAST,
        zone=UTC,
        zone_name="UTC",
        probes=PROBES,
        excluded={},
        windows=(),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def profile(
    *found: Series,
    busy: tuple[Series, ...] = (),
    within: Within = NOTHING,
    now: datetime = LAST,
    **changes: object,
) -> LoadProfile:
    wanted = asked(**changes)
    return make(wanted, gathered(wanted.naming, found, busy, ()), within, now)


def shaped(weeks: float, shape: Callable[[int], float]) -> dict[int, float]:
    return {hour: shape(hour) for hour in hours_of(weeks)}


def daily(hour: int) -> float:
    """Most at noon, and on Fridays (the epoch was a Thursday) half as much again."""
    day = (hour // 24) % 7
    return (10.0 if hour % 24 == NOON else 2.0) * (1.5 if day == 1 else 1.0)


def test_the_busiest_hour_of_the_week_has_its_rate_and_its_spread_between_the_weeks() -> None:
    spec = profile(series("GET", "/", shaped(4, lambda hour: daily(hour) + (hour // 168) % 2))).spec
    assert (spec.peak.day, spec.peak.hour, spec.peak.weeks) == ("Fri", NOON, 4)
    assert (spec.peak.rate, spec.peak.least, spec.peak.most) == (15.5, 15, 16)


def test_the_hours_of_the_week_are_those_of_the_time_zone() -> None:
    there = ZoneInfo("Asia/Kolkata")  # half an hour beside: what begins at 12:00 UTC begins at 17:30
    spec = profile(series("GET", "/", shaped(4, daily)), zone=there, zone_name="Asia/Kolkata").spec
    assert (spec.peak.day, spec.peak.hour) == ("Fri", 17)


def test_one_hour_out_of_the_ordinary_is_not_the_peak() -> None:
    rates = shaped(4, daily)
    rates[hours_of(4)[50]] = 500.0
    assert profile(series("GET", "/", rates)).spec.peak.rate == 15


def test_the_mix_at_the_peak_is_told_beside_that_of_the_whole_time() -> None:
    noon = shaped(4, lambda hour: 8.0 if hour % 24 == NOON else 0.0)
    spec = profile(series("GET", "/", shaped(4, lambda _: 2.0)), series("POST", "/orders", noon)).spec
    orders, front = spec.endpoints
    assert (orders.name, orders.peak.share, orders.peak.rate) == ("POST /orders", 0.8, 8)
    assert front.usual.share == pytest.approx(2 / (2 + 8 / 24), rel=1e-5)


def test_requests_in_flight_are_arrivals_times_the_mean_time() -> None:
    rates = shaped(4, lambda _: 20.0)
    (endpoint,) = profile(series("GET", "/", rates), busy=(series("GET", "/", rates, 0.25),)).spec.endpoints
    assert (endpoint.peak.mean_ms, endpoint.peak.concurrency) == (250, 5)
    assert endpoint.requests == 20 * 4 * 168 * 3600


def test_without_durations_concurrency_is_said_to_be_unknown() -> None:
    spec = profile(series("GET", "/", shaped(4, daily))).spec
    assert spec.endpoints[0].peak.concurrency is None
    assert any("no durations" in note for note in spec.data.notes)


def test_the_busiest_ten_minutes_and_the_gauge_are_told_of_the_busiest_hour() -> None:
    rates = shaped(4, daily)
    bursts = {hour: rate * (1.6 if rate == 15 else 9.0) for hour, rate in rates.items()}
    flights = {hour: rate / 10 for hour, rate in rates.items()}
    peak = profile(series("GET", "/", rates), within=Within(bursts, flights)).spec.peak
    assert (peak.burst, peak.in_flight) == (1.6, 1.5)
    few = {hour: rate / 100 for hour, rate in rates.items()}
    assert profile(series("GET", "/", few), within=Within(bursts, {})).spec.peak.burst is None
    silent = profile(series("GET", "/", rates)).spec.peak
    assert (silent.burst, silent.in_flight) == (None, None)


def test_several_jobs_in_one_counter_are_told() -> None:
    spec = profile(series("GET", "/", shaped(4, daily)), jobs=["shop", "cart"]).spec
    assert any("2 jobs are counted together (cart, shop)" in note for note in spec.data.notes)


def test_growth_is_a_factor_from_week_to_week_that_one_odd_week_does_not_move() -> None:
    newest = hours_of(8)[-1]

    def grown(hour: int) -> float:
        week = (hour - newest - 1) // 168
        return daily(hour) * 1.05**week * (3.0 if week == -4 else 1.0)

    growth = profile(series("GET", "/", shaped(8, grown)), first=LAST - timedelta(weeks=8)).spec.growth
    assert growth is not None
    assert growth.per_week == pytest.approx(1.05, rel=1e-3)
    assert growth.least < 0.5
    assert growth.most > 2
    assert growth.weeks == 8


def test_growth_is_not_known_of_two_weeks() -> None:
    spec = profile(series("GET", "/", shaped(2, daily))).spec
    assert spec.growth is None
    assert any(note.startswith("growth is not known") for note in spec.data.notes)


def test_a_season_stands_against_the_peak_of_all_the_time() -> None:
    begins = int(datetime(2026, 5, 20, tzinfo=UTC).timestamp() // 3600)
    rates = shaped(4, lambda hour: daily(hour) * (4 if begins <= hour < begins + 72 else 1))
    windows = (
        Window(name="sale", first="05-20", last="05-22"),
        Window(name="christmas", first="12-15", last="12-31", factor=2.5),
        Window(name="easter", first="04-01", last="04-07"),
    )
    spec = profile(series("GET", "/", rates), windows=windows).spec
    sale, christmas, easter = spec.seasons
    assert (sale.factor, sale.source, sale.hours) == (4, "Measured", 72)
    assert (christmas.factor, christmas.source) == (2.5, "Declared")
    assert easter.factor is None
    assert any("easter" in note for note in spec.data.notes)


def test_probes_are_left_out_and_told() -> None:
    spec = profile(
        series("GET", "/", shaped(4, daily)),
        series("GET", "/healthz", shaped(4, lambda _: 100.0)),
        excluded={'user_agent=~"Apache.*"': 3.0},
    ).spec
    assert [each.name for each in spec.endpoints] == ["GET /"]
    assert [(each.what, each.rate) for each in spec.origin.excluded] == [
        ('user_agent=~"Apache.*"', 3.0),
        ("GET /healthz", 100.0),
    ]


def test_probes_alone_are_no_traffic() -> None:
    with pytest.raises(InvalidSpec, match="counts no requests of users from 2026-05-04"):
        profile(series("GET", "/healthz/", shaped(4, daily)))


@pytest.mark.parametrize(
    ("rates", "now", "doubt"),
    [
        (shaped(0.9, daily), LAST, "thin: 151 hours with samples"),
        ({hour: 1.0 for hour in hours_of(4) if hour % 5}, LAST, "gaps: 19.9%"),
        (shaped(4, daily), LAST + timedelta(days=40), "stale: the newest traffic in it is 40 days old"),
    ],
)
def test_what_is_thin_or_stale_is_doubted(rates: Mapping[int, float], now: datetime, doubt: str) -> None:
    spec = profile(series("GET", "/", rates)).spec
    (found,) = doubts(spec, now)
    assert found.startswith(doubt)


def test_a_sound_profile_is_not_doubted_and_its_document_says_so() -> None:
    assert profile(series("GET", "/", shaped(4, daily))).spec.data.doubts == ()


def test_too_many_endpoints_are_refused_with_what_to_do() -> None:
    many = [series("GET", f"/orders/{number}", shaped(0.1, daily)) for number in range(201)]
    with pytest.raises(InvalidSpec, match=r"201 endpoints.*the route and not the path"):
        profile(*many)


def test_what_is_no_rate_is_refused() -> None:
    with pytest.raises(SeriesError, match="name a counter of requests"):
        profile(series("GET", "/", {hours_of(1)[0]: -1.0}))


Rates = st.lists(
    st.lists(st.floats(0, 1e4, allow_nan=False), min_size=200, max_size=200), min_size=1, max_size=6
).filter(lambda rows: sum(map(sum, rows)) > 1e-3)


@given(Rates)
@settings(max_examples=25, deadline=None)
def test_shares_sum_to_one_and_rates_to_the_peak(rows: list[list[float]]) -> None:
    hours = hours_of(200 / 168)
    found = [series("GET", f"/{n}", dict(zip(hours, row, strict=True))) for n, row in enumerate(rows)]
    spec = profile(*found).spec
    for figures in ([each.peak for each in spec.endpoints], [each.usual for each in spec.endpoints]):
        assert sum(each.share for each in figures) == pytest.approx(1, rel=1e-4)
    assert sum(each.peak.rate for each in spec.endpoints) == pytest.approx(spec.peak.rate, rel=1e-4)


@given(Rates)
@settings(max_examples=25, deadline=None)
def test_the_unit_of_durations_changes_nothing(rows: list[list[float]]) -> None:
    hours = hours_of(200 / 168)
    found = [series("GET", f"/{n}", dict(zip(hours, row, strict=True))) for n, row in enumerate(rows)]
    seconds, thousandths = (
        tuple(Series(each.labels, [(at, rate * unit) for at, rate in each.samples]) for each in found)
        for unit in (0.25, 250.0)
    )
    one = profile(*found, busy=seconds).spec
    other = profile(*found, busy=thousandths, naming=MILLI).spec
    for mine, theirs in zip(one.endpoints, other.endpoints, strict=True):
        assert mine.usual.mean_ms == theirs.usual.mean_ms
        assert mine.peak.concurrency == theirs.peak.concurrency


@pytest.mark.parametrize("convention", naming.CONVENTIONS, ids=lambda each: each.name)
def test_each_convention_is_found_by_its_own_names(convention: naming.Convention) -> None:
    choice = choose({convention.requests: list(convention.labels)}, ('namespace="shop"',))
    assert choice.naming.names == convention.name
    assert convention.requests in choice.why
    assert choice.naming.selector("x").endswith('namespace="shop"}')


def test_of_several_that_fit_the_better_one_is_taken_and_it_is_said_why() -> None:
    choice = choose(
        {
            "istio_requests_total": ["destination_canonical_service"],
            "http_requests_total": ["method", "handler"],
        }
    )
    assert choice.naming.by == ("method", "handler")
    assert "goes before istio_requests_total" in choice.why


def test_a_counter_without_routes_is_passed_over_for_one_that_has_them() -> None:
    choice = choose(
        {"http_requests_total": ["method"], "request_duration_seconds_count": ["method", "route"]}
    )
    assert choice.naming.names == "sock-shop"


def test_none_that_fits_is_told_with_those_that_were_looked_for() -> None:
    with pytest.raises(InvalidSpec) as nothing:
        choose({})
    for convention in naming.CONVENTIONS:
        assert convention.requests in str(nothing.value)
    with pytest.raises(InvalidSpec, match="http_requests_total has none of route, handler"):
        choose({"http_requests_total": ["method"]})


def test_istio_tells_services_and_says_so() -> None:
    istio = choose({"istio_requests_total": ["destination_canonical_service"]}).naming
    found = Series(
        {"destination_canonical_service": "cart"},
        [((hour + 1) * 3600.0, 1.0) for hour in hours_of(4)],
    )
    spec = profile(found, naming=istio).spec
    assert spec.endpoints[0].name == "cart"
    assert 'reporter="destination"' in spec.origin.requests
    assert any("counts no routes" in note for note in spec.data.notes)


def test_any_other_counter_can_be_named() -> None:
    named = naming.given('shop_calls_count{app="a"}', None, ["verb_method", "op"], ['zone="b"'])
    assert named.durations == "shop_calls"
    assert named.selector(named.requests, 'x="y"') == 'shop_calls_count{app="a",zone="b",x="y"}'
    assert named.endpoint({"verb_method": "GET", "op": "list"}) == ("GET", "list")
    assert naming.given("http_requests_total", None, [], []).durations == "http_request_duration_seconds"


@pytest.mark.parametrize(
    ("counter", "by", "message"),
    [
        ("sum(x)", ["a"], "is not a raw counter"),
        ("shop_calls_total", [], "--by: no label of shop_calls_total is known"),
    ],
)
def test_what_is_no_counter_or_has_no_labels_is_refused(counter: str, by: list[str], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        naming.given(counter, None, by, [])


def test_probes_are_left_out_by_the_label_that_is_the_route() -> None:
    users = OTEL.without_routes(["/metrics", "/a.b"])
    assert users.selector("x") == r'x{http_route!~"(?:/a\\.b|/metrics)/?"}'
    joined = replace(OTEL, by=("host", "path"))
    assert joined.without_routes(["/metrics"]) == joined


def test_our_own_load_is_left_out_by_its_labels() -> None:
    users = naming.without(OTEL, ['user_agent=~"Apache.*"', 'client = "probe"'])
    assert users.selector("x") == 'x{user_agent!~"Apache.*",client!="probe"}'
    with pytest.raises(InvalidSpec, match="--exclude: 'pod' is not a matcher"):
        naming.without(OTEL, ["pod"])
