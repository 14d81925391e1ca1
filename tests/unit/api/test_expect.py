from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api import objective_rules
from devperfops_operator.api.expect import (
    MAX_LENGTH,
    BaselineExpectation,
    Comparison,
    ErrorsExpectation,
    Expectation,
    ExpectError,
    GoodExpectation,
    LatencyExpectation,
    PastExpectation,
    ValueExpectation,
    parse_expect,
)


@pytest.mark.parametrize(
    ("text", "expectation", "allowed"),
    [
        ("p99 < 2s", LatencyExpectation(Fraction(99, 100), inclusive=True, limit_ms=2000), Fraction(1, 100)),
        (
            "p99.9<=300ms",
            LatencyExpectation(Fraction(999, 1000), inclusive=False, limit_ms=300),
            Fraction(1, 1000),
        ),
        ("p50 < 1.005s", LatencyExpectation(Fraction(1, 2), inclusive=True, limit_ms=1005), Fraction(1, 2)),
        (
            "  p1 <= 1m ",
            LatencyExpectation(Fraction(1, 100), inclusive=False, limit_ms=60_000),
            Fraction(99, 100),
        ),
        ("errors < 0.5%", ErrorsExpectation(Comparison.LESS, Fraction(1, 200)), Fraction(1, 200)),
        ("errors<=10%", ErrorsExpectation(Comparison.AT_MOST, Fraction(1, 10)), Fraction(1, 10)),
        ("good >= 99.9%", GoodExpectation(Comparison.AT_LEAST, Fraction(999, 1000)), Fraction(1, 1000)),
        ("good > 95%", GoodExpectation(Comparison.GREATER, Fraction(19, 20)), Fraction(1, 20)),
    ],
)
def test_expectations_and_the_share_of_exceedances_they_allow(
    text: str, expectation: ErrorsExpectation | GoodExpectation | LatencyExpectation, allowed: Fraction
) -> None:
    assert parse_expect(text) == expectation
    assert expectation.allowed == allowed


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("value < 0.8 for 95%", ValueExpectation(Comparison.LESS, "0.8", Fraction(95, 100))),
        (" value>=-3   for  100% ", ValueExpectation(Comparison.AT_LEAST, "-3", Fraction(1))),
        ("value <= 0 for 99.95%", ValueExpectation(Comparison.AT_MOST, "0", Fraction(9995, 10000))),
    ],
)
def test_expectations_of_a_gauge(text: str, expectation: ValueExpectation) -> None:
    assert parse_expect(text) == expectation


@pytest.mark.parametrize(
    ("text", "expectation"),
    [
        ("p95 < baseline + 15%", BaselineExpectation(Fraction(95, 100), Comparison.LESS, Fraction(15, 100))),
        (
            "p99.9<=baseline+1%",
            BaselineExpectation(Fraction(999, 1000), Comparison.AT_MOST, Fraction(1, 100)),
        ),
        (
            " p50 < baseline  +  150.5% ",
            BaselineExpectation(Fraction(1, 2), Comparison.LESS, Fraction(1505, 1000)),
        ),
        ("p95 <past+ 15%", PastExpectation(Fraction(95, 100), Comparison.LESS, Fraction(15, 100))),
    ],
)
def test_expectations_against_a_release_or_earlier_runs(
    text: str, expectation: BaselineExpectation | PastExpectation
) -> None:
    assert parse_expect(text) == expectation
    assert parse_expect(str(expectation)) == expectation


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("p99 2s", 4, "write < or <= here, for example p99 < 2s"),
        ("p99 > 2s", 4, "write < or <= here, for example p99 < 2s"),
        ("p99 << 2s", 4, "write < or <= here"),
        ("p95", 3, "write < or <= here, for example p95 < 2s"),
        ("p101 < 2s", 1, "at least 1 and under 100"),
        ("p100 < 2s", 1, "at least 1 and under 100"),
        ("p0 < 2s", 1, "at least 1 and under 100"),
        ("p99.12345 < 2s", 1, "at most four decimals"),
        ("p 99 < 2s", 1, "write p99"),
        ("P99 < 2s", 0, "begins with a small p"),
        ("p99 <", 5, "write a time here"),
        ("p99 < 2", 7, "write for example 2s or 2ms"),
        ("p99 < 2 s", 7, "unit right behind the number"),
        ("p99 < 2h", 7, "unit right behind the number"),
        ("p99 < 1.5ms", 6, "whole ms"),
        ("p99 < 1.2345s", 6, "s to the ms"),
        ("p99 < 0ms", 6, "above 0"),
        ("p99 < 2s, please", 8, 'leave the rest out: "p99 < 2s"'),
        ("p99 < baseline", 14, "write + and a percentage from 1% to 999%"),
        ("p99 < baseline + 0.5%", 17, "write + and a percentage from 1% to 999%"),
        ("p99 < baseline + 15", 17, "write + and a percentage from 1% to 999%"),
        ("p99 < baseline - 15%", 15, "write + and a percentage from 1% to 999%"),
        ("p99 < baseline + 15% or so", 21, 'leave the rest out: "p99 < baseline + 15%"'),
        ("errors < baseline + 1%", 9, "only a percentile is compared with baseline"),
        ("good >= past + 1%", 8, "only a percentile is compared with past"),
        ("p99 < past", 10, "behind past, for example p95 < past + 15%"),
        ("p99 < pasta + 15%", 10, "behind past, for example"),
        ("value = 0.8 for 95%", 6, "write <, <=, > or >= here, for example value < 0.8 for 95%"),
        ("value < high for 95%", 8, "write a number here"),
        ("value < 5% for 95%", 9, "write for and a share of the time behind the number"),
        ("value < 0.8", 11, "write for and a share of the time behind the number"),
        ("value < 0.8for 95%", 11, "write for and a share of the time behind the number"),
        ("value < 0.8 for95%", 12, "write for and a share of the time behind the number"),
        ("value < 0.8 for 95", 16, "from 1% to 100%"),
        ("value < 0.8 for 0.5%", 16, "from 1% to 100%"),
        ("value < 0.8 for 101%", 16, "from 1% to 100%"),
        ("value < 0.8 for 95% of it", 20, 'leave the rest out: "value < 0.8 for 95%"'),
        ("error < 1%", 0, "called errors"),
        ("errors 1%", 7, "write < or <= here, for example errors < 0.5%"),
        ("errors < 1", 9, "its % sign"),
        ("errors < 100%", 9, "under 100"),
        ("errors < 0.0%", 9, "above 0"),
        ("good < 99%", 5, "write > or >= here"),
        ("good >= ", 8, "write a percentage"),
        ("avg < 2s", 0, "by a percentile"),
        ("", 0, "begins with a percentile, errors, good or value"),
        ("p99 < 2s\n", 8, "leave the rest out"),
        ("p" * (MAX_LENGTH + 1), MAX_LENGTH, "longer than 80 characters"),
    ],
)
def test_errors_point_at_the_character_and_say_what_to_write(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpectError) as error:
        parse_expect(text)

    assert error.value.position == position
    assert message in error.value.message


def test_an_error_is_drawn_below_its_text() -> None:
    with pytest.raises(ExpectError) as error:
        parse_expect("p99 2s")

    assert error.value.render() == "p99 2s\n    ^\nwrite < or <= here, for example p99 < 2s"
    assert str(error.value) == 'expect "p99 2s", character 5: write < or <= here, for example p99 < 2s'


shares = st.integers(1, 999_999).map(lambda millionths: Fraction(millionths, 1_000_000))
expectations = st.one_of(
    st.builds(
        LatencyExpectation,
        quantile=st.integers(10_000, 999_999).map(lambda millionths: Fraction(millionths, 1_000_000)),
        inclusive=st.booleans(),
        limit_ms=st.integers(1, 9_999_999) | st.integers(1, 999).map(lambda minutes: minutes * 60_000),
    ),
    st.builds(
        PastExpectation,
        st.integers(1, 99).map(lambda percent: Fraction(percent, 100)),
        st.sampled_from([Comparison.LESS, Comparison.AT_MOST]),
        st.integers(100, 99_999).map(lambda hundredths: Fraction(hundredths, 10_000)),
    ),
    st.builds(ErrorsExpectation, st.sampled_from([Comparison.LESS, Comparison.AT_MOST]), shares),
    st.builds(GoodExpectation, st.sampled_from([Comparison.GREATER, Comparison.AT_LEAST]), shares),
    st.builds(
        ValueExpectation,
        st.sampled_from(Comparison),
        st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", fullmatch=True),
        st.integers(10_000, 1_000_000).map(lambda millionths: Fraction(millionths, 1_000_000)),
    ),
)


@given(expectations)
def test_expectations_read_back_as_written(expectation: Expectation) -> None:
    assert parse_expect(str(expectation)) == expectation
    assert isinstance(expectation, ValueExpectation) or 0 < expectation.allowed < 1


PIECES = [
    "p",
    "99",
    "9",
    "0",
    ".",
    "errors",
    "good",
    "value",
    "baseline",
    "past",
    " for ",
    "<",
    "<=",
    ">",
    ">=",
    "=",
    "2",
    "s",
    "ms",
    "m",
    "%",
    " ",
    "+",
    "\n",
    "x",
]
texts = st.text(max_size=90) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def accepted(text: str) -> bool:
    try:
        parse_expect(text)
    except ExpectError:
        return False
    return True


@given(texts.filter(lambda text: not accepted(text)))
def test_every_refusal_points_into_the_text(text: str) -> None:
    with pytest.raises(ExpectError) as error:
        parse_expect(text)

    assert 0 <= error.value.position <= len(text)
    assert error.value.message


@given(
    texts
    | st.from_regex(re.compile(r"(p|errors|good) *[<>]=? *[0-9.]{1,5}(ms|s|m|%)"), fullmatch=True)
    | st.from_regex(re.compile(r"value *[<>]=? *[-0-9.]{1,5} *for *[0-9.]{1,6}%? ?"), fullmatch=True)
)
def test_the_rule_of_the_crd_accepts_the_same_texts(text: str) -> None:
    patterns = re.findall(r"self\.matches\('(.*?)'\)", objective_rules.EXPECT.cel)
    grammar, zero = (pattern.replace("\\\\", "\\").removesuffix("$") for pattern in patterns)

    by_cel = (
        len(text) <= MAX_LENGTH
        and bool(re.match(rf"{grammar}\Z", text))
        and not re.search(rf"{zero}\Z", text)
    )

    assert by_cel == accepted(text)
