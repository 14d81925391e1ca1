"""Two reports beside each other. A description, not a verdict: nothing here knows how much runs scatter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from devperfops_operator.analysis.jtl.report import PERCENTILES, Figures, Report

NOTICEABLE_PERCENT: Final = 10
NOTICEABLE_MS: Final = 10
NOTICEABLE_ERROR_POINTS: Final = 1
ENOUGH: Final = 200
"""Samples on both sides: ten of them lie above the p95."""
_P50, _P95 = PERCENTILES.index(50), PERCENTILES.index(95)


class Finding(StrEnum):
    """What there is to notice about a transaction, the gravest first."""

    GONE = "gone"
    NEW = "new"
    TOO_FEW = "too few samples"
    MORE_ERRORS = "more errors"
    SLOWER = "slower"
    FEWER_ERRORS = "fewer errors"
    FASTER = "faster"
    MIXED = "p50, p95 apart"
    ALIKE = "alike"


RULE: Final = (
    f"noticeable is a p50 or p95 that moved by at least {NOTICEABLE_PERCENT} % and {NOTICEABLE_MS} ms, or an"
    f" error share that moved by at least {NOTICEABLE_ERROR_POINTS} percentage point, with at least {ENOUGH}"
    " samples on both sides; whether it is more than runs differ by chance, a gate must say"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One transaction then and now; `name` is None for all requests."""

    name: str | None
    controller: bool
    old: Figures | None
    new: Figures | None

    @property
    def finding(self) -> Finding:
        if self.new is None:
            return Finding.GONE
        if self.old is None:
            return Finding.NEW
        return _finding(self.old, self.new)


def compare(old: Report, new: Report) -> tuple[Pair, ...]:
    """All requests, then each transaction of either report: requests first, by name."""
    then, now = _by_name(old), _by_name(new)
    keys = sorted(then.keys() | now.keys())
    pairs = [
        Pair(name, controller, then.get((controller, name)), now.get((controller, name)))
        for controller, name in keys
    ]
    return (Pair(None, False, old.total, new.total), *pairs)  # noqa: FBT003


def _by_name(report: Report) -> Mapping[tuple[bool, str], Figures]:
    return {(each.controller, each.name): each.figures for each in report.transactions}


def _finding(old: Figures, new: Figures) -> Finding:
    if min(old.samples, new.samples) < ENOUGH:
        return Finding.TOO_FEW
    errors = _sign((new.error_share - old.error_share) * 100, NOTICEABLE_ERROR_POINTS)
    moves = {_moved(old.percentiles_ms[at], new.percentiles_ms[at]) for at in (_P50, _P95)}
    if errors > 0:
        return Finding.MORE_ERRORS
    if moves == {1, -1}:
        return Finding.MIXED
    if 1 in moves:
        return Finding.SLOWER
    if errors < 0:
        return Finding.FEWER_ERRORS
    return Finding.FASTER if -1 in moves else Finding.ALIKE


def _moved(old_ms: int, new_ms: int) -> int:
    return _sign(new_ms - old_ms, max(NOTICEABLE_MS, old_ms * NOTICEABLE_PERCENT / 100))


def _sign(difference: float, at_least: float) -> int:
    return 0 if abs(difference) < at_least else 1 if difference > 0 else -1
