"""A load profile for people, and as a file. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import yaml
from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.api.load_profile import (
    Endpoint,
    Growth,
    LoadProfile,
    LoadProfileSpec,
    Peak,
    Season,
    Sessions,
)
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.cli.render.parts import Fact, facts, heading, indented, table
from devperfops_operator.cli.render.words import NONE, counted, number, plain
from devperfops_operator.domain.load_profile.sequences import users_at_once

_FOLLOWING = 3
_STEPS = 20
_RIGHT = ("PEAK/S", "SHARE", "MEAN MS", "IN FLIGHT", "USUAL/S", "REQUESTS")


def profile_screen(profile: LoadProfile) -> Group:
    """The busiest endpoints first."""
    return Group(*_blocks(profile.spec))


def profile_json(profile: LoadProfile) -> dict[str, Any]:
    """The document."""
    return profile.model_dump(mode="json", by_alias=True, exclude_none=True)


def profile_text(profile: LoadProfile, form: str) -> str:
    """As a file: `yaml` or `json`."""
    document = profile_json(profile)
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


def _blocks(spec: LoadProfileSpec) -> Iterator[RenderableType]:
    origin, data, peak = spec.origin, spec.data, spec.peak
    gaps = f", {_percent(data.gaps)} without samples" if data.gaps else ""
    weeks = f"{_rate(peak.least)} to {_rate(peak.most)} in {counted(peak.weeks, 'week')}"
    yield facts(
        [
            ("Counter", f"{origin.requests} by {', '.join(origin.by)} ({origin.names})"),
            ("Data", f"{counted(data.known, 'hour')} up to {data.newest:%Y-%m-%d %H:%M} UTC{gaps}"),
            ("Usual", f"{_rate(spec.usual)} requests/s"),
            (
                "Peak",
                f"{_rate(peak.rate)} requests/s on {peak.day} {peak.hour:02}:00 {origin.time_zone} ({weeks})",
            ),
            *_within(peak),
            ("Growth", _growth(spec.growth)),
            *((f"Season {each.name}", _season(each)) for each in spec.seasons),
        ]
    )
    yield heading("Endpoints")
    columns = ("ENDPOINT", *_RIGHT)
    yield indented(table(columns, map(_row, spec.endpoints), right=_RIGHT))
    if spec.sessions is not None:
        yield from _sessions(spec, spec.sessions)
    if origin.excluded:
        yield heading("Left out")
        rows = [(each.what, _rate(each.rate), each.because) for each in origin.excluded]
        yield indented(table(("TRAFFIC", "USUAL/S", "WHY"), rows, right=("USUAL/S",)))
    yield Text()
    for note in data.notes:
        yield Text(f"note: {plain(note)}")


def _sessions(spec: LoadProfileSpec, sessions: Sessions) -> Iterator[RenderableType]:
    yield heading("Sessions")
    yield Text(
        f"  {counted(sessions.sessions, 'session')} of {sessions.requests:.3g} requests and "
        f"{sessions.seconds:.3g} s on the average, from {counted(sessions.lines, 'line')} "
        f"({number(sessions.unread)} not read); at the peak {users_at_once(spec):.3g} users at once"
    )
    rows = [
        (plain(after.endpoint), each.endpoint, _percent(each.share), f"{each.think_ms / 1_000:.3g}")
        for after in sessions.after
        for each in after.next[:_FOLLOWING]
    ]
    columns = ("AFTER", "COMES", "SHARE", "THINK S")
    yield indented(table(columns, rows[:_STEPS], right=columns[2:]))


def doubts_text(doubts: Sequence[str]) -> Text:
    """One line each."""
    return Text("\n").join(Text(plain(f"warning: {each}"), style="yellow") for each in doubts)


def _row(endpoint: Endpoint) -> tuple[str, ...]:
    peak = endpoint.peak
    return (
        endpoint.name,
        _rate(peak.rate),
        _percent(peak.share),
        NONE if peak.mean_ms is None else f"{peak.mean_ms:.3g}",
        NONE if peak.concurrency is None else f"{peak.concurrency:.3g}",
        _rate(endpoint.usual.rate),
        number(endpoint.requests),
    )


def _within(peak: Peak) -> Iterator[Fact]:
    if peak.burst is not None:
        yield "", f"its busiest ten minutes have {peak.burst:.3g} times that"
    if peak.in_flight is not None:
        yield "", f"{peak.in_flight:.3g} requests at once then, by the service's own gauge"


def _growth(growth: Growth | None) -> str:
    if growth is None:
        return "not known"
    return (
        f"{_change(growth.per_week)} a week ({_change(growth.least)} to {_change(growth.most)} between "
        f"any two of {growth.weeks} weeks)"
    )


def _change(factor: float) -> str:
    return f"{100 * (factor - 1):+.1f}%"


def _season(season: Season) -> str:
    days = f"{season.first} to {season.last}"
    if season.factor is None:
        return f"{days}: no traffic of it, and no factor is written"
    told = f"from {counted(season.hours, 'hour')} of it" if season.source == "Measured" else "as written"
    return f"{days}: {season.factor:.3g} times the peak ({told})"


def _rate(rate: float) -> str:
    """Three digits at least, and all those before the point."""
    return f"{rate:,.0f}" if rate >= 1_000 else f"{rate:.3g}"  # noqa: PLR2004


def _percent(share: float) -> str:
    return format_percent(Fraction(share), decimals=1)
