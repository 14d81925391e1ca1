"""How values are written: times, numbers, verdicts. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from rich.text import Text

from devperfops_operator.api.perfrun import PerfRun, Phase, Verdict
from devperfops_operator.api.quantity import format_duration
from devperfops_operator.domain.verdict import VERDICTS

_STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.INCONCLUSIVE: "yellow",
}
_VERDICT_OF_REASON: Final = {reason.value: verdict for reason, verdict in VERDICTS.items()}
NONE: Final = "-"


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment of looking, and the time zone of the person who looks (None: the machine's own)."""

    now: datetime
    zone: tzinfo | None = None

    def time(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%H:%M:%S")

    def date_time(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def age(self, moment: datetime | None) -> str:
        """How long ago, in its largest unit: `3m`."""
        if moment is None:
            return NONE
        seconds = max(0, int((self.now - moment).total_seconds()))
        for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
            if seconds >= 2 * length:
                return f"{seconds // length}{unit}"
        return f"{seconds}s"


def plain(text: str) -> str:
    """Text from the cluster without control characters: nobody's objective name moves our cursor."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def number(value: int) -> str:
    return f"{value:,}"


def counted(value: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number(value)} {thing}{'' if value == 1 else 's'}"


def played_by(threads: int, workers: int) -> str:
    """`50 threads`, or `50 threads on 4 workers`."""
    return counted(threads, "thread") + (f" on {counted(workers, 'worker')}" if workers > 1 else "")


def index_ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers, those in a row together: `0-11, 13`."""
    breaks = [at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1]
    rows = [numbers[begin:end] for begin, end in pairwise([0, *breaks, len(numbers)])]
    return ", ".join(f"{row[0]}-{row[-1]}" if len(row) > 1 else str(row[0]) for row in rows)


def took(since: datetime | None, until: datetime | None) -> str:
    if since is None or until is None:
        return NONE
    return format_duration(max(until - since, timedelta()))


def verdict_style(verdict: Verdict | None) -> str:
    return _STYLES[verdict] if verdict else ""


def reason_style(reason: str) -> str:
    """Reasons that stand for a verdict have its colour."""
    return verdict_style(_VERDICT_OF_REASON.get(reason))


def verdict_text(verdict: Verdict | None) -> Text:
    return Text(verdict or NONE, style=verdict_style(verdict))


def outcome(run: PerfRun) -> str:
    """The verdict; how it ended, when it ended without one; else the phase."""
    return run.status.verdict or run.status.phase


def outcome_text(run: PerfRun) -> Text:
    ended_without = run.status.phase in {Phase.SUPERSEDED, Phase.CANCELLED}
    return Text(outcome(run), style="yellow" if ended_without else verdict_style(run.status.verdict))
