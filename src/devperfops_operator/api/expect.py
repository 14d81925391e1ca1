"""The `expect` grammar: METRIC OPERATOR VALUE.

expect  = latency | errors | good | value ;           (* spaces optional, but around `for` required *)
latency = "p" q ("<" | "<=") ( time | reference " + " percent ) ;   (* the percent from 1 to 999 *)
reference = "baseline" | "past" ;
errors  = "errors" ("<" | "<=") percent ;
good    = "good" (">" | ">=") percent ;
value   = "value" ("<" | "<=" | ">" | ">=") number " for " ( percent | "100%" ) ;
q       = 1..99 [ "." 1-4 digits ] ;
time    = int "ms" | decimal(3) "s" | int "m" ;
percent = 0-99 [ "." 1-4 digits ] "%" ;
number  = [ "-" ] 1-15 digits [ "." 1-9 digits ] ;    (* all other limits are above 0 *)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Final

from devperfops_operator.api.quantity import format_percent, parse_percent

MAX_LENGTH: Final = 80
FROM_SLO: Final = "slo"
"""In place of an expectation: a document says it. A run fills it in before anything reads it."""
COMPARES: Final = "baseline|past"
"""What a percentile is compared with, where it is not a time."""
EXAMPLES: Final = "p99 < 2s, p95 < baseline + 15%, errors < 0.5%, good >= 99.9% or value < 0.8 for 95%"
# Exactly what `parse` accepts, zero limits aside; also the pattern of the CRD's CEL rule (RE2).
PATTERN: Final = (
    r"^ *(p[1-9][0-9]?(\.[0-9]{1,4})? *<=? *([0-9]{1,7}ms|[0-9]{1,4}(\.[0-9]{1,3})?s|[0-9]{1,3}m"
    r"|(baseline|past) *\+ *[1-9][0-9]{0,2}(\.[0-9]{1,4})?%)"
    r"|errors *<=? *[0-9]{1,2}(\.[0-9]{1,4})?%"
    r"|good *>=? *[0-9]{1,2}(\.[0-9]{1,4})?%"
    r"|value *[<>]=? *-?[0-9]{1,15}(\.[0-9]{1,9})? +for +(100|[1-9][0-9]?(\.[0-9]{1,4})?)%) *$"
)

_MS_PER: Final = {"ms": 1, "s": 1_000, "m": 60_000}


class ExpectError(ValueError):
    """An `expect` that is not understood. `position` (0-based) is where reading stopped making sense."""

    def __init__(self, text: str, position: int, message: str) -> None:
        super().__init__(message)
        self.text = text
        self.position = position
        self.message = message

    def __str__(self) -> str:
        return f'expect "{self.text}", character {self.position + 1}: {self.message}'

    def render(self) -> str:
        """Three lines: the text, a caret below the character, what to write."""
        return f"{self.text}\n{' ' * self.position}^\n{self.message}"


class Comparison(StrEnum):
    """The operators of the grammar."""

    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class LatencyExpectation:
    """`p99 < 2s`: at most the share 1 - quantile may reach the limit.

    `inclusive`: an elapsed time equal to the limit exceeds it (`<`); otherwise only a longer one does (`<=`).
    """

    quantile: Fraction
    inclusive: bool
    limit_ms: int

    @property
    def allowed(self) -> Fraction:
        """Allowed share of exceedances."""
        return 1 - self.quantile

    def __str__(self) -> str:
        operator = Comparison.LESS if self.inclusive else Comparison.AT_MOST
        return f"p{format_percent(self.quantile).rstrip('%')} {operator} {_format_time(self.limit_ms)}"


@dataclass(frozen=True, slots=True)
class _RelativeExpectation:
    """The target's quantile is at most (1 + tolerance) times that of a reference."""

    reference: ClassVar[str]
    quantile: Fraction
    op: Comparison
    tolerance: Fraction

    @property
    def allowed(self) -> Fraction:
        """Share of the requests that lie beyond the quantile."""
        return 1 - self.quantile

    def __str__(self) -> str:
        percentile = format_percent(self.quantile).rstrip("%")
        return f"p{percentile} {self.op} {self.reference} + {format_percent(self.tolerance)}"


@dataclass(frozen=True, slots=True)
class BaselineExpectation(_RelativeExpectation):
    """`p95 < baseline + 15%`: compares with another release under the same load at the same time."""

    reference: ClassVar = "baseline"


@dataclass(frozen=True, slots=True)
class PastExpectation(_RelativeExpectation):
    """`p95 < past + 15%`: compares with the gate's earlier runs."""

    reference: ClassVar = "past"


@dataclass(frozen=True, slots=True)
class ErrorsExpectation:
    """`errors < 0.5%`: at most this share of the samples may fail."""

    op: Comparison
    share: Fraction

    @property
    def allowed(self) -> Fraction:
        """Allowed share of exceedances."""
        return self.share

    def __str__(self) -> str:
        return f"errors {self.op} {format_percent(self.share)}"


@dataclass(frozen=True, slots=True)
class GoodExpectation:
    """`good >= 99.9%`: at least this share of `total` must be `good` (raw Prometheus counters)."""

    op: Comparison
    share: Fraction

    @property
    def allowed(self) -> Fraction:
        """Allowed share of exceedances: what is not good."""
        return 1 - self.share

    def __str__(self) -> str:
        return f"good {self.op} {format_percent(self.share)}"


@dataclass(frozen=True, slots=True)
class ValueExpectation:
    """`value < 0.8 for 95%`: at least this share of a gauge's points must be in bounds."""

    op: Comparison
    limit: str
    share: Fraction

    def __str__(self) -> str:
        return f"value {self.op} {self.limit} for {format_percent(self.share)}"


Expectation = (
    LatencyExpectation
    | BaselineExpectation
    | PastExpectation
    | ErrorsExpectation
    | GoodExpectation
    | ValueExpectation
)


@lru_cache(maxsize=4096)  # asked again at every look at a run
def parse_expect(text: str) -> Expectation:
    """Read one `expect`.

    Raises:
        ExpectError: points at the character and says what to write.
    """
    if len(text) > MAX_LENGTH:
        raise ExpectError(text, MAX_LENGTH, f"is longer than {MAX_LENGTH} characters; write {EXAMPLES}")
    scanner = _Scanner(text)
    metric = scanner.take("[A-Za-z]*")
    match metric:
        case "p":
            expectation: Expectation = _latency(scanner)
        case "errors":
            expectation = _errors(scanner)
        case "good":
            expectation = _good(scanner)
        case "value":
            expectation = _value(scanner)
        case _:
            raise scanner.failure(_unknown_metric(metric), at=scanner.token_start)
    if scanner.take(".*"):
        raise scanner.failure(
            f'is already complete here; leave the rest out: "{expectation}"', at=scanner.token_start
        )
    return expectation


class _Scanner:
    """Reads tokens from the left, skipping spaces before each."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.token_start = 0

    def take(self, pattern: str) -> str:
        """The longest match at this place, or an empty text; spaces before it are skipped."""
        while self._text[self._position : self._position + 1] == " ":
            self._position += 1
        self.token_start = self._position
        match = re.compile(pattern, re.DOTALL).match(self._text, self._position)
        token = match.group() if match else ""
        self._position += len(token)
        return token

    def take_adjoining(self, pattern: str) -> str:
        """Likewise, but spaces are not skipped."""
        if self._text[self._position : self._position + 1] == " ":
            self.token_start = self._position
            return ""
        return self.take(pattern)

    def failure(self, message: str, at: int | None = None) -> ExpectError:
        return ExpectError(self._text, self._position if at is None else at, message)


def _unknown_metric(metric: str) -> str:
    match metric:
        case "P" | "percentile":
            return "a percentile begins with a small p; write for example p99 < 2s"
        case "error" | "Errors" | "Error":
            return "the share of failed samples is called errors; write for example errors < 0.5%"
        case "avg" | "average" | "mean" | "max" | "min" | "median":
            return "a latency is judged by a percentile; write for example p99 < 2s (p50 is the median)"
        case _:
            return f"an expectation begins with a percentile, errors, good or value; write {EXAMPLES}"


def _latency(scanner: _Scanner) -> LatencyExpectation | BaselineExpectation | PastExpectation:
    number = scanner.take_adjoining(r"[0-9]+(\.[0-9]*)?")
    if not re.fullmatch(r"[1-9][0-9]?(\.[0-9]{1,4})?", number):
        raise scanner.failure(
            "a percentile is at least 1 and under 100, with at most four decimals; write p99 or p99.9",
            at=scanner.token_start,
        )
    operator = _upper_bound(scanner, example=f"p{number} < 2s")
    for relative in (BaselineExpectation, PastExpectation):
        if scanner.take(relative.reference):
            tolerance = _tolerance(scanner, relative.reference)
            return relative(Fraction(number) / 100, operator, tolerance)
    return LatencyExpectation(
        quantile=Fraction(number) / 100,
        inclusive=operator is Comparison.LESS,
        limit_ms=_time(scanner),
    )


def _errors(scanner: _Scanner) -> ErrorsExpectation:
    operator = _upper_bound(scanner, example="errors < 0.5%")
    return ErrorsExpectation(operator, _percent(scanner, example="errors < 0.5%"))


def _good(scanner: _Scanner) -> GoodExpectation:
    token = scanner.take("[<>=!]+")
    if token not in {Comparison.GREATER, Comparison.AT_LEAST}:
        raise scanner.failure("write > or >= here, for example good >= 99.9%", at=scanner.token_start)
    return GoodExpectation(Comparison(token), _percent(scanner, example="good >= 99.9%"))


def _value(scanner: _Scanner) -> ValueExpectation:
    example = "value < 0.8 for 95%"
    token = scanner.take("[<>=!]+")
    if token not in set(Comparison):
        raise scanner.failure(f"write <, <=, > or >= here, for example {example}", at=scanner.token_start)
    op = Comparison(token)
    limit = scanner.take(r"-?[0-9.]+")
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", limit):
        raise scanner.failure(
            f"write a number here (at most nine decimals, no unit), for example {example}",
            at=scanner.token_start,
        )
    if scanner.take_adjoining("[^ ]+") or not scanner.take("for(?= )"):
        raise scanner.failure(
            f"write for and a share of the time behind the number, for example {example}",
            at=scanner.token_start,
        )
    token = scanner.take(r"[0-9.]+%?")
    if not re.fullmatch(r"(100|[1-9][0-9]?(\.[0-9]{1,4})?)%", token):
        raise scanner.failure(
            f"write a percentage from 1% to 100% (at most four decimals), for example {example}",
            at=scanner.token_start,
        )
    return ValueExpectation(op, limit, Fraction(token.rstrip("%")) / 100)


def _upper_bound(scanner: _Scanner, example: str) -> Comparison:
    token = scanner.take("[<>=!]+")
    if token not in {Comparison.LESS, Comparison.AT_MOST}:
        raise scanner.failure(f"write < or <= here, for example {example}", at=scanner.token_start)
    return Comparison(token)


def _time(scanner: _Scanner) -> int:
    """The limit in milliseconds."""
    number = scanner.take(r"[0-9]+(\.[0-9]+)?")
    start = scanner.token_start
    if not number:
        raise scanner.failure("write a time here, for example 300ms, 1.5s or 1m", at=start)
    unit = scanner.take_adjoining("[a-zA-Z%]+")
    if unit not in _MS_PER:
        raise scanner.failure(
            f"a time needs its unit right behind the number; write for example {number}s or {number}ms",
            at=scanner.token_start,
        )
    if not re.fullmatch(
        {"ms": "[0-9]{1,7}", "s": r"[0-9]{1,4}(\.[0-9]{1,3})?", "m": "[0-9]{1,3}"}[unit], number
    ):
        raise scanner.failure(
            "write whole ms (up to 9999999ms), s to the ms (9999.999s) or whole m (999m)", at=start
        )
    limit = Fraction(number) * _MS_PER[unit]
    if limit == 0:
        raise scanner.failure("the limit must be above 0, for example 300ms", at=start)
    return int(limit)


def _tolerance(scanner: _Scanner, reference: str) -> Fraction:
    """By how much of the reference's time the target may be slower."""
    plus = scanner.take(r"\+")
    token = scanner.take(r"[0-9.]+%?")
    if not plus or not re.fullmatch(r"[1-9][0-9]{0,2}(\.[0-9]{1,4})?%", token):
        raise scanner.failure(
            f"write + and a percentage from 1% to 999% (at most four decimals) behind {reference}, for "
            f"example p95 < {reference} + 15%",
            at=scanner.token_start,
        )
    return Fraction(token.rstrip("%")) / 100


def _percent(scanner: _Scanner, example: str) -> Fraction:
    reference = scanner.take(COMPARES)
    if reference:
        raise scanner.failure(
            f"only a percentile is compared with {reference}; write for example {example}",
            at=scanner.token_start,
        )
    token = scanner.take(r"[0-9.]+%?")
    start = scanner.token_start
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,4})?%", token):
        raise scanner.failure(
            f"write a percentage under 100 (at most four decimals) with its % sign, for example {example}",
            at=start,
        )
    share = parse_percent(token)
    if share == 0:
        raise scanner.failure(
            f"the limit must be above 0: no test can prove a share of 0; write for example {example}",
            at=start,
        )
    return share


def _format_time(limit_ms: int) -> str:
    for unit in ("m", "s"):
        if limit_ms % _MS_PER[unit] == 0:
            return f"{limit_ms // _MS_PER[unit]}{unit}"
    return f"{limit_ms}ms"
