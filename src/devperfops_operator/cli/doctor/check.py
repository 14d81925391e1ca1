"""What one look found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Only a problem makes `doctor` fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"  # it could not be looked at


@dataclass(frozen=True, slots=True)
class Check:
    """`about`: what was looked at. `remedy`: what to do; empty where there is nothing."""

    about: str
    state: State
    found: str
    remedy: str = ""


def ok(about: str, found: str) -> Check:
    return Check(about, State.OK, found)


def problem(about: str, found: str, remedy: str) -> Check:
    return Check(about, State.PROBLEM, found, remedy)


def warning(about: str, found: str, remedy: str) -> Check:
    return Check(about, State.WARNING, found, remedy)


def unknown(about: str, found: str, remedy: str = "") -> Check:
    return Check(about, State.UNKNOWN, found, remedy)
