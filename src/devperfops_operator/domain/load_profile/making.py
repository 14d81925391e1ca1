"""From traffic to the document."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from devperfops_operator.api.base import API_VERSION
from devperfops_operator.api.load_profile import (
    DAYS,
    MAX_ENDPOINTS,
    Data,
    Endpoint,
    Excluded,
    Figures,
    Growth,
    LoadProfile,
    LoadProfileSpec,
    Origin,
    Peak,
    Season,
    SeasonSource,
    Window,
)
from devperfops_operator.api.strict import Metadata
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.load_profile.doubts import doubts, notes
from devperfops_operator.domain.load_profile.naming import Naming
from devperfops_operator.domain.load_profile.traffic import HOUR, Hours, Name, Traffic, Within
from devperfops_operator.domain.load_profile.weeks import busiest, day_of, trend
from devperfops_operator.domain.quota.season import Season as Days
from devperfops_operator.domain.quota.season import parse_day

_MS: Final = 1_000
_TEN_MINUTES: Final = 600
_MANY: Final = 400
_PROBE: Final = "a route that is asked by probes; --probe names others"
_OWN: Final = "left out by --exclude"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a profile is made of. `excluded`: rates by matcher that were left out at Prometheus already."""

    name: str
    prometheus: str
    naming: Naming
    first: datetime
    last: datetime
    zone: tzinfo
    zone_name: str
    probes: Collection[str]
    excluded: Mapping[str, float]
    windows: Sequence[Window]
    jobs: Sequence[str] = ()
    """Of the counter's series: of more than one, people may have wanted only one."""


def peak_hours(found: Traffic, probes: Collection[str], zone: tzinfo) -> Sequence[int]:
    """Those of the history that are the busiest hour of the week; none where there is no traffic."""
    users, _ = found.split(probes)
    return busiest(users.totals, zone).hours if users.totals else ()


def make(asked: Asked, found: Traffic, within: Within, now: datetime) -> LoadProfile:
    """The profile of what was found.

    Raises:
        InvalidSpec: there is no traffic, or a season's day is none.
    """
    users, probes = found.split(asked.probes)
    totals = users.totals
    if not any(totals.values()):
        raise InvalidSpec(
            "--requests",
            f"{asked.naming.selector(asked.naming.requests)} counts no requests of users from "
            f"{asked.first:%Y-%m-%d} to {asked.last:%Y-%m-%d}: correct the labels (--match), or look "
            "further back (--weeks)",
        )
    if len(users.requests) > MAX_ENDPOINTS:
        raise InvalidSpec(
            "--by",
            f"{', '.join(asked.naming.by)} make {len(users.requests)} endpoints, at most {MAX_ENDPOINTS} "
            "may be: write labels with fewer values, such as the route and not the path",
        )
    peak = busiest(totals, asked.zone)
    spec = LoadProfileSpec(
        origin=_origin(asked, probes, len(totals), now),
        data=_data(asked, totals),
        usual=_figure(statistics.fmean(totals.values())),
        peak=Peak(
            day=DAYS[peak.slot // 24],
            hour=peak.slot % 24,
            rate=_figure(peak.rate),
            least=_figure(min(totals[hour] for hour in peak.hours)),
            most=_figure(max(totals[hour] for hour in peak.hours)),
            weeks=len(peak.hours),
            burst=_burst(totals, within.bursts, peak.hours),
            in_flight=_median(within.in_flight[each] for each in peak.hours if each in within.in_flight),
        ),
        growth=_growth(totals),
        seasons=tuple(_season(each, totals, peak.rate, asked.zone) for each in asked.windows),
        endpoints=tuple(_endpoints(users, peak.hours, peak.rate)),
    )
    data = spec.data.model_copy(
        update={"doubts": tuple(doubts(spec, now)), "notes": tuple(notes(spec, asked.naming, asked.jobs))}
    )
    return LoadProfile(
        api_version=API_VERSION,
        kind="LoadProfile",
        metadata=Metadata(name=asked.name),
        spec=spec.model_copy(update={"data": data}),
    )


def _origin(asked: Asked, probes: Traffic, known: int, now: datetime) -> Origin:
    naming = asked.naming
    left_out = [
        Excluded(what=what, because=_OWN, rate=_figure(rate)) for what, rate in asked.excluded.items()
    ]
    left_out += [
        Excluded(what=" ".join(name).strip(), because=_PROBE, rate=_figure(sum(hours.values()) / known))
        for name, hours in probes.requests.items()
    ]
    return Origin(
        prometheus=asked.prometheus,
        names=naming.names,
        requests=naming.selector(naming.requests),
        durations=None if naming.durations is None else naming.selector(f"{naming.durations}_sum"),
        by=naming.by,
        time_zone=asked.zone_name,
        first=asked.first,
        last=asked.last,
        made_at=now,
        excluded=tuple(left_out),
    )


def _data(asked: Asked, totals: Hours) -> Data:
    """Hours from the first with samples on: what was before it, nobody counted."""
    first, newest = min(totals), max(totals)
    hours = int(asked.last.timestamp() // HOUR) - first
    return Data(
        hours=hours,
        known=len(totals),
        gaps=_figure(1 - len(totals) / hours),
        newest=datetime.fromtimestamp((newest + 1) * HOUR, UTC),
    )


def _burst(totals: Hours, bursts: Hours, hours: Sequence[int]) -> float | None:
    """Of few requests chance makes bursts, so nothing is said of them."""
    many = [each for each in hours if totals[each] * _TEN_MINUTES >= _MANY]
    return _median(bursts[each] / totals[each] for each in many if bursts.get(each))


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return _figure(statistics.median(found)) if found else None


def _growth(totals: Hours) -> Growth | None:
    found = trend(totals)
    if found is None:
        return None
    return Growth(
        per_week=_figure(found.factor),
        least=_figure(found.least),
        most=_figure(found.most),
        weeks=found.weeks,
    )


def _season(window: Window, totals: Hours, peak: float, zone: tzinfo) -> Season:
    """A factor that somebody wrote goes before one that was seen."""
    days = Days(parse_day(window.first, "seasons.from"), parse_day(window.last, "seasons.to"))
    within = {hour: rate for hour, rate in totals.items() if days.contains(day_of(hour, zone))}
    seen = busiest(within, zone).rate / peak if any(within.values()) else None
    factor = window.factor if window.factor is not None else seen
    return Season(
        name=window.name,
        first=window.first,
        last=window.last,
        factor=None if factor is None else _figure(factor),
        source=SeasonSource.MEASURED if window.factor is None else SeasonSource.DECLARED,
        hours=len(within),
    )


def _endpoints(users: Traffic, hours: Sequence[int], rate: float) -> Iterator[Endpoint]:
    """The busiest first. Those that nobody asked for are none."""
    known = list(users.totals)
    usual = _shares(users, known)
    peak = _shares(users, hours)
    mean = statistics.fmean(users.totals.values())
    for name in sorted(usual, key=lambda each: (-peak.get(each, 0.0), -usual[each], each)):
        yield Endpoint(
            method=name[0],
            route=name[1],
            requests=round(sum(users.requests[name].values()) * HOUR),
            peak=_figures(users, name, hours, rate, peak.get(name, 0.0)),
            usual=_figures(users, name, known, mean, usual[name]),
        )


def _shares(users: Traffic, hours: Sequence[int]) -> dict[Name, float]:
    counts = {name: _sum(each, hours) for name, each in users.requests.items()}
    whole = sum(counts.values())
    return {name: count / whole for name, count in counts.items() if count and whole}


def _figures(users: Traffic, name: Name, hours: Sequence[int], rate: float, share: float) -> Figures:
    """Little's law: requests in flight are arrivals a second times seconds of each."""
    timed = _sum(users.timed.get(name, {}), hours)
    mean = _sum(users.busy.get(name, {}), hours) / timed if timed and name in users.busy else None
    return Figures(
        rate=_figure(rate * share),
        share=_figure(share),
        mean_ms=None if mean is None else _figure(mean * _MS),
        concurrency=None if mean is None else _figure(rate * share * mean),
    )


def _sum(hours: Hours, some: Sequence[int]) -> float:
    return sum(hours.get(hour, 0.0) for hour in some)


def _figure(value: float) -> float:
    """Six digits: more would be noise in a file that people compare."""
    return float(f"{value:.6g}")
