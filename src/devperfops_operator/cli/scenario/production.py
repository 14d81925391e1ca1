"""A document beside a load profile: what of production's traffic a plan can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devperfops_operator.api.load_profile import LoadProfile
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.load_profile.files import read_profile
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.load_profile.doubts import doubts
from devperfops_operator.domain.load_profile.model import season_factor
from devperfops_operator.domain.load_profile.sequences import thinking
from devperfops_operator.scenario.document import Document
from devperfops_operator.scenario.operations import read_offer
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.plan import Load, Plan
from devperfops_operator.scenario.traffic import Endpoint, Matched, distance, load, match


@dataclass(frozen=True, slots=True)
class Wanted:
    """`scale`: times the peak of the profile, the season's factor included."""

    profile: LoadProfile
    scale: float
    stall: timedelta
    matched: Matched


@dataclass(frozen=True, slots=True)
class Looks:
    """What a plan makes of production's traffic. `lacking`: shares of it that are not played, and why."""

    wanted: Wanted
    load: Load
    distance: float
    lacking: Sequence[tuple[str, float, str]]


def wanted(
    file: Path, document: Document, season: str | None, scale: float, stall: timedelta, *, accept: bool
) -> Wanted:
    """Of the profile's busiest hour.

    Raises:
        Trouble: the file is none, there is no such season, its data are doubted and nobody has accepted that,
            or no operation of the document is called.
    """
    profile = read_profile(file)
    found = list(doubts(profile.spec, datetime.now(UTC)))
    if found and not accept:
        told = "\n       ".join(found)
        raise Trouble(f"{file} is doubted (--accept-doubts takes it as it is):\n       {told}.")
    endpoints = (Endpoint(each.method, each.route, each.peak.rate) for each in profile.spec.endpoints)
    matched = match(endpoints, read_offer(document))
    if not matched.rates:
        some = ", ".join(each.name for each in matched.lacking[:3])
        raise Trouble(
            f"{file}: no operation of the document is called at the busiest hour; the profile has {some}. "
            "Is it the profile of this API, and are its routes paths?"
        )
    try:
        factor = season_factor(profile.spec, season)
    except InvalidSpec as error:
        raise Trouble(f"{file}: {error}.") from error
    return Wanted(profile, scale * factor, stall, matched)


def with_think_times(overlay: Overlay, asked: Wanted) -> Overlay:
    """Users' own, where the profile has them and the overlay says nothing."""
    sessions = asked.profile.spec.sessions
    if sessions is None:
        return overlay
    operations = asked.matched.operations
    told = {operations[name]: round(ms) for name, ms in thinking(sessions).items() if name in operations}
    return replace(overlay, think_ms={**told, **overlay.think_ms})


def looks(plan: Plan, asked: Wanted) -> Looks:
    """How the plan stands to what is wanted. Raises Trouble: it plays nothing of it."""
    if plan.pace is None:
        raise Trouble(
            "no operation that production calls can be played: the table without --profile says "
            "why each is left out."
        )
    rates = asked.matched.rates
    every = {each.name: each.peak.rate for each in asked.profile.spec.endpoints}
    whole = sum(every.values())
    lacking = [
        (each.name, each.rate / whole, "the document has no such operation")
        for each in asked.matched.lacking
        if each.rate
    ]
    lacking += [
        (each.key, rates[each.key] / whole, each.reason) for each in plan.skipped if each.key in rates
    ]
    outside = {each.name: each.rate for each in asked.matched.lacking}
    return Looks(
        wanted=asked,
        load=load(plan, asked.scale, asked.stall.total_seconds()),
        distance=distance(plan, {**rates, **outside}),
        lacking=sorted(lacking, key=lambda each: -each[1]),
    )
