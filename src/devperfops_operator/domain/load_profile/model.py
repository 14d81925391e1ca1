"""What a gate's load profile asks of JMeter: a rate, and threads that keep it while the target stalls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from devperfops_operator.api.load import ProfileSource
from devperfops_operator.api.load_profile import LoadProfile, LoadProfileSpec, SeasonSource
from devperfops_operator.api.perfrun import LoadModelStatus, ProfileEndpoint, RequestPeakStatus
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.api.rules import MAX_THREADS
from devperfops_operator.api.strict import ContentError, only
from devperfops_operator.domain.errors import FileMissing, InvalidSpec
from devperfops_operator.domain.load_profile.doubts import doubts
from devperfops_operator.domain.load_profile.sequences import mean_think_s
from devperfops_operator.domain.named_files import text_of
from devperfops_operator.domain.observed import Problem
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.measurement import LABEL_LENGTH


def load_model(
    asked: ProfileSource, data: Mapping[str, str] | None, workers: int, peak: float, now: datetime
) -> LoadModelStatus | Problem:
    """`data`: of the ConfigMap; None: there is none. `peak`: of the load's shape, in times of its rate.

    A Problem: why nothing can be played by it.
    """
    content = "a LoadProfile (devperfops profile makes one)"
    try:
        text = text_of(asked.config_map, asked.key, data, content=content, field="profile.key")
        profile = only(f"{asked.config_map}/{asked.key}", text, LoadProfile)
        model = _model(asked, profile.spec, workers, peak)
    except FileMissing as error:
        return Problem(Reason.PROFILE_NOT_FOUND, str(error))
    except (ContentError, InvalidSpec) as error:
        return Problem(Reason.PROFILE_INVALID, " ".join(str(error).split()))
    found = list(doubts(profile.spec, now))
    if found and not asked.accept_doubts:
        told = "; ".join(found)
        message = (
            f"{asked.key} in ConfigMap {asked.config_map} is doubted: {told}; or set profile.acceptDoubts"
        )
        return Problem(Reason.PROFILE_DOUBTED, message)
    return model.model_copy(update={"peak": _peak(asked, profile.spec, found)})


def _peak(asked: ProfileSource, spec: LoadProfileSpec, doubted: Sequence[str]) -> RequestPeakStatus:
    """Production's own: the gate's scale is the test's and not the users'."""
    season = next((each for each in spec.seasons if each.name == asked.season), None)
    assumed = [f"the profile is doubted: {'; '.join(doubted)}"] if doubted else []
    if season is not None and season.source is SeasonSource.DECLARED:
        assumed.append(f"the factor of the season {season.name} is declared, and was not measured")
    busiest = f"{spec.peak.day} {spec.peak.hour:02d}:00 {spec.origin.time_zone}, by the load profile"
    return RequestPeakStatus(
        per_second=f"{spec.peak.rate * season_factor(spec, asked.season):.6g}",
        because=busiest if season is None else f"{season.name}, {busiest}",
        first=None if season is None else season.first,
        last=None if season is None else season.last,
        assumed="; ".join(assumed) or None,
    )


def season_factor(spec: LoadProfileSpec, season: str | None) -> float:
    """How many times as busy it is then. Raises InvalidSpec: nobody knows."""
    if season is None:
        return 1.0
    seasons = {each.name: each.factor for each in spec.seasons}
    if season not in seasons:
        known = ", ".join(seasons) or "none"
        raise InvalidSpec("spec.seasons", f'there is no season "{season}"; it has {known}')
    factor = seasons[season]
    if factor is None:
        raise InvalidSpec(
            "spec.seasons",
            f"nobody knows the factor of {season}: write it into the file of seasons, "
            "and make the profile again",
        )
    return factor


def _model(asked: ProfileSource, spec: LoadProfileSpec, workers: int, peak: float) -> LoadModelStatus:
    """Open arrivals: so many threads that requests go on to come while the target answers nothing.

    Raises InvalidSpec.
    """
    per_second = spec.peak.rate * asked.scale * season_factor(spec, asked.season)
    held_s = parse_duration(asked.stall).total_seconds() + mean_think_s(spec)
    threads = max(workers, math.ceil(per_second * peak * held_s))
    if threads > MAX_THREADS:
        message = (
            f"{per_second * peak:.4g} requests a second need {threads} threads, and {MAX_THREADS} are the "
            "most; set profile.scale or profile.stall lower"
        )
        raise InvalidSpec("spec.peak.rate", message)
    return LoadModelStatus(
        rate=f"{max(1, round(60 * per_second))}/m",
        threads=threads,
        message=_origin(asked, spec, per_second),
        usual_rate=f"{max(1, round(60 * per_second / asked.scale))}/m",
        endpoints=tuple(_endpoints(spec)),
    )


def _endpoints(spec: LoadProfileSpec) -> Iterator[ProfileEndpoint]:
    """Those that are used at the busiest hour, which is what is played."""
    for each in spec.endpoints:
        if each.peak.share:
            yield ProfileEndpoint(
                name=each.name[:LABEL_LENGTH], per_million=max(1, round(each.peak.share * 1_000_000))
            )


def _origin(asked: ProfileSource, spec: LoadProfileSpec, per_second: float) -> str:
    """`30/s: Fri 12:00 (Europe/Berlin) x 1.5 in the season year-end, by ConfigMap shop-profile, ...`."""
    peak, until = spec.peak, spec.data.newest
    scaled = f" x {asked.scale:g}" if asked.scale != 1 else ""
    season = f" in the season {asked.season}" if asked.season else ""
    return (
        f"{per_second:.4g}/s: production's {peak.day} {peak.hour:02d}:00 ({spec.origin.time_zone})"
        f"{scaled}{season}, by {asked.key} in ConfigMap {asked.config_map}, traffic up to {until:%Y-%m-%d}"
    )
