import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.patterns import found_in, text_of

WIDE = 10_000
PATTERNS = [
    r"^[A-Z]{3}-[0-9]{4}$",
    r"^\+?[1-9]\d{1,14}$",
    r"^(?:[a-z0-9]+(?:-[a-z0-9]+)*)$",
    r"^(?=.*[0-9])(?=.*[a-z])[a-z0-9]{8,}$",
    r"^(?!admin)[a-z]{5}$",
    r"^arn:aws:[a-z\-]*:\d{12}:.+$",
    r"[^\s]+@[^\s]+\.[a-z]{2,}",
    r"^#(?:[0-9a-fA-F]{3}){1,2}$",
    r"^(\d{4})-(0[1-9]|1[0-2])$",
    r"\bword\b",
    r"^\x41B\t?$",
    r"^[\w.%-]*$",
    "^$|^none$",
    ".*",
]
PIECES = st.sampled_from(["a", "b", ".", r"\d", "[a-c]", "[^b]", r"\w", "(ab|c)", "(?:a|)", "^", "$", r"\b"])
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,}"])


def repeated(piece: str, times: str) -> str:
    return piece if piece in {"^", "$", r"\b"} else piece + times


ANY = st.lists(st.builds(repeated, PIECES, REPEATS), max_size=6).map("".join)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(seed=st.integers(0, 1_000))
@settings(max_examples=20, deadline=None)
def test_a_text_made_for_a_pattern_is_matched_by_pythons_own(pattern: str, seed: int) -> None:
    assert re.search(pattern, text_of(pattern, Dice(str(seed)), 0, WIDE))


@given(pattern=ANY, text=st.text("abc1 -", max_size=8))
@settings(max_examples=400, deadline=None)
def test_what_is_found_is_what_python_finds(pattern: str, text: str) -> None:
    assert found_in(pattern, text) == bool(re.search(pattern.replace("$", r"\Z"), text))


@given(pattern=ANY, seed=st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_a_text_is_found_for_most_patterns_and_is_right(pattern: str, seed: int) -> None:
    try:
        text = text_of(pattern, Dice(str(seed)), 0, 60)
    except Unusable:
        return
    assert re.search(pattern.replace("$", r"\Z"), text)


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [("^[a-z]+$", 24, 24), (r"^\d*$", 3, 3), ("^x.*$", 100, 120), ("^a?b?$", 2, 2)],
)
def test_a_text_has_the_length_asked_for(pattern: str, least: int, most: int) -> None:
    text = text_of(pattern, Dice("1"), least, most)
    assert least <= len(text) <= most
    assert re.search(pattern, text)


@pytest.mark.parametrize(
    "pattern", ["(a", "a)", "[b-a]", "*a", "a{3,2}", r"(a)\1", "(?<=a)b", "(" * 60 + ")" * 60, "a" * 5_000]
)
def test_a_pattern_that_cannot_be_made_is_told(pattern: str) -> None:
    with pytest.raises(Unusable):
        text_of(pattern, Dice("1"), 0, WIDE)


@pytest.mark.parametrize(
    "pattern",
    ["^(a+)+$", "^(a|a)*b$", "(((a?){4000}){4000}){4000}", "(((a{999}){999}){999}){999}", "(a*)*(b*)*(c*)*$"],
)
def test_a_hostile_pattern_ends_soon(pattern: str) -> None:
    for work in (lambda: text_of(pattern, Dice("1"), 0, WIDE), lambda: found_in(pattern, "a" * 500 + "!")):
        try:
            work()
        except Unusable:
            continue
