"""What the API server accepts, and will disappoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.api.documents import Path
from devperfops_operator.api.expect import (
    FROM_SLO,
    BaselineExpectation,
    ErrorsExpectation,
    Expectation,
    LatencyExpectation,
    PastExpectation,
    parse_expect,
)
from devperfops_operator.api.finding import Problem, Severity
from devperfops_operator.api.quantity import format_duration, format_percent, parse_duration, parse_rate

PASS_CONFIDENCE: Final = Fraction(99, 100)
"""Of the bound that a Pass must keep; without any exceedance it decides how many samples are needed."""
_TWICE: Final = Fraction(995, 1000)  # of each of two looks: at the planned end and at the last one

COMPARED_FOR: Final = timedelta(seconds=300)
"""For at least so long a baseline is compared with before anything passes."""
COMPARED_RUNS: Final = 6
"""At least so many earlier runs are compared with."""


def samples_to_pass(allowed: Fraction, confidence: Fraction = PASS_CONFIDENCE) -> int:
    """How many samples without one exceedance prove a share of at most `allowed`.

    The smallest n with (1 - allowed)^n <= 1 - confidence.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - allowed))


def disappointments(gate: Mapping[str, Any]) -> Iterator[Problem]:
    if "load" not in gate["spec"]:
        return
    jmeter = gate["spec"]["load"]["jmeter"]
    if "rate" not in jmeter:
        return
    rate = parse_rate(jmeter["rate"])
    field, confidence = ("maxDuration", _TWICE) if "maxDuration" in jmeter else ("duration", PASS_CONFIDENCE)
    judged = parse_duration(jmeter[field]) - parse_duration(jmeter["rampUp"])
    samples = math.floor(rate * Fraction(judged.total_seconds()) / 60)
    for index, objective in enumerate(gate["spec"]["objectives"]):
        if objective["expect"] == FROM_SLO:
            continue
        expectation = parse_expect(objective["expect"])
        path: Path = ("spec", "objectives", index, "expect")
        yield from _too_few_samples(path, expectation, samples, confidence, field)
        yield from _too_short_to_compare(path, expectation, judged, field)
        yield from _too_few_runs(path, expectation, gate["spec"]["historyLimit"])
        yield from _too_few_threads(path, expectation, jmeter["threads"], rate)


def _too_few_samples(
    path: Path, expectation: Expectation, samples: int, confidence: Fraction, field: str
) -> Iterator[Problem]:
    if not isinstance(expectation, LatencyExpectation | ErrorsExpectation):
        return
    needed = samples_to_pass(expectation.allowed, confidence)
    if samples < needed:
        yield Problem(
            path,
            f"can never pass: rate x ({field} - rampUp) gives {samples} samples, and a share of at most "
            f"{format_percent(expectation.allowed)} needs {needed} even if all are good; "
            f"write a longer {field} or a higher rate",
            Severity.WARNING,
        )


def _too_short_to_compare(
    path: Path, expectation: Expectation, judged: timedelta, field: str
) -> Iterator[Problem]:
    if isinstance(expectation, BaselineExpectation) and judged < COMPARED_FOR:
        yield Problem(
            path,
            f"can never pass: a baseline is compared with for at least {format_duration(COMPARED_FOR)}, and "
            f"{field} - rampUp is {format_duration(judged)}; write a longer {field}",
            Severity.WARNING,
        )


def _too_few_runs(path: Path, expectation: Expectation, kept: int) -> Iterator[Problem]:
    if isinstance(expectation, PastExpectation) and kept < COMPARED_RUNS:
        yield Problem(
            path,
            f"can never pass: it takes {COMPARED_RUNS} earlier runs to compare with, and historyLimit keeps "
            f"{kept}; write historyLimit: 20 or more",
            Severity.WARNING,
        )


def _too_few_threads(path: Path, expectation: Expectation, threads: int, rate: Fraction) -> Iterator[Problem]:
    if not isinstance(expectation, LatencyExpectation):
        return
    needed = math.ceil(rate / 60 * Fraction(expectation.limit_ms, 1000))
    if threads < needed:
        yield Problem(
            path,
            f"{threads} threads cannot keep the rate when every answer takes as long as the limit: "
            f"a stall would hide itself by slowing the load; write threads: {needed} or more",
            Severity.WARNING,
        )
