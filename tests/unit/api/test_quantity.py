from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.quantity import (
    QuantityError,
    format_duration,
    format_percent,
    format_rate,
    parse_cpu,
    parse_duration,
    parse_memory,
    parse_percent,
    parse_rate,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h5s", 3605),
        ("0s", 0),
        ("2h0m1s", 7201),
        ("99999s", 99_999),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "-1s", "1.5m", "90", "s", "5 m", "10s5m", "1d", "\u0661s", "10m\n", "123456s"]
)
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(QuantityError) as error:
        parse_duration(text)

    assert str(error.value) == f'"{text}" is not a duration: write for example 90s, 10m or 1h30m'


@given(st.integers(0, 999 * 3600 + 3599))
def test_durations_read_back_as_written(seconds: int) -> None:
    duration = timedelta(seconds=seconds)

    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("value", "per_minute"),
    [("3000/m", Fraction(3000)), ("50/s", Fraction(3000)), ("100/h", Fraction(5, 3)), ("1/s", Fraction(60))],
)
def test_rates_are_exact_and_per_minute(value: str, per_minute: Fraction) -> None:
    assert parse_rate(value) == per_minute


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (0, "3000/m"),
        (50, "50/m"),
        ("50", "50/m"),
        ("0/m", "write a rate above 0"),
        ("000/s", "write a rate above 0"),
        ("-1/m", "3000/m"),
        ("1.5/s", "3000/m"),
        ("10/d", "3000/m"),
        ("", "3000/m"),
        ("12345678/m", "3000/m"),
    ],
)
def test_what_is_no_rate_is_named_with_the_remedy(value: str | int, remedy: str) -> None:
    with pytest.raises(QuantityError) as error:
        parse_rate(value)

    assert f'"{value}"' in str(error.value)
    assert remedy in str(error.value)


@given(st.integers(1, 9_999_999))
def test_whole_rates_per_minute_read_back_as_written(rate: int) -> None:
    assert parse_rate(format_rate(Fraction(rate))) == rate


@pytest.mark.parametrize("text", ["7/h", "61/h", "1/m", "9/m", "599/h"])
def test_a_rare_rate_is_told_by_the_hour(text):
    assert format_rate(parse_rate(text)) == text


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0.5%", Fraction(1, 200)),
        ("99.9999%", Fraction(999_999, 1_000_000)),
        ("0%", Fraction(0)),
        ("7%", Fraction(7, 100)),
    ],
)
def test_percentages_are_exact(text: str, share: Fraction) -> None:
    assert parse_percent(text) == share


@pytest.mark.parametrize("text", ["100%", "0.5", "-1%", "0.12345%", ".5%", "5.%", "", "%", "1 %"])
def test_what_is_no_percentage_is_named(text: str) -> None:
    with pytest.raises(
        QuantityError, match="is not a percentage: write a number under 100 with a % sign"
    ) as error:
        parse_percent(text)

    assert str(error.value).startswith(f'"{text}"')


@given(st.integers(0, 999_999))
def test_percentages_read_back_as_written(millionths: int) -> None:
    share = Fraction(millionths, 1_000_000)

    assert parse_percent(format_percent(share)) == share


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (Fraction(1, 3), 2, "33.33%"),
        (Fraction(1, 200), 4, "0.5%"),
        (Fraction(1), 4, "100%"),
        (Fraction(1, 10_000_000), 4, "0%"),
        (Fraction(-1, 100), 1, "-1%"),
        (Fraction(999, 1000), 0, "100%"),
    ],
)
def test_percentages_for_people(share: Fraction, decimals: int, text: str) -> None:
    assert format_percent(share, decimals) == text


@pytest.mark.parametrize(("value", "processors"), [("500m", Fraction(1, 2)), (2, 2), ("1.5", Fraction(3, 2))])
def test_amounts_of_cpu(value: str | int, processors: Fraction) -> None:
    assert parse_cpu(value) == processors


@pytest.mark.parametrize(
    ("value", "number"), [("512Mi", 512 * 1024**2), ("2Gi", 2 * 1024**3), ("1500M", 1_500_000_000), (7, 7)]
)
def test_amounts_of_memory(value: str | int, number: int) -> None:
    assert parse_memory(value) == number


@pytest.mark.parametrize("value", ["512m", "0Mi", 0, "1.5Gi", "-1", "Mi", "2 Gi", "1e3", ""])
def test_what_is_no_amount_of_memory_is_named(value: str | int) -> None:
    with pytest.raises(QuantityError, match="is not an amount of memory: write for example 512Mi or 2Gi"):
        parse_memory(value)
