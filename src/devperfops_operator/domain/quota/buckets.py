"""Which limit meets which: units, regions, and buckets that only one side has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import combinations, product

from devperfops_operator.domain.quota.entry import (
    UNLIMITED,
    Dimensions,
    Entry,
    Need,
    Peak,
    Reading,
    lower,
)
from devperfops_operator.domain.quota.units import Unit, factor

DimensionMap = Mapping[str, Mapping[str, str]]
"""By the dimension's name: what a value of the baseline is called in serving."""

Buckets = dict[Dimensions, Entry]
ByUnit = dict[Unit, Buckets]
Metric = tuple[str, str]
"""Service and metric."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The limits that hold for the same thing in both environments; None: no limit is told there.

    `peak`: the most that was used of exactly this.
    """

    service: str
    metric: str
    dimensions: Dimensions
    baseline: Entry | None
    serving: Entry | None
    peak: Peak | None = None

    @property
    def estimates(self) -> tuple[str, ...]:
        """From what its limits were estimated, as far as they were."""
        sides = (self.baseline, self.serving)
        return tuple(side.estimate for side in sides if side is not None and side.estimate)


def index(entries: Iterable[Entry]) -> dict[Metric, ByUnit]:
    """Of two limits on the same thing the lower one holds."""
    found: dict[Metric, ByUnit] = defaultdict(dict)
    for entry in entries:
        buckets = found[entry.service, entry.metric].setdefault(entry.unit, {})
        other = buckets.get(entry.dimensions)
        buckets[entry.dimensions] = entry if other is None else _lower(entry, other)
    return found


def _lower(one: Entry, other: Entry) -> Entry:
    return one if lower(one.effective, other.effective) == one.effective else other


def mapped(entries: Iterable[Entry], names: DimensionMap) -> Iterator[Entry]:
    """The baseline's limits by the names of serving; of two that become one the higher is to be met."""
    if not names:
        yield from entries
        return
    found: dict[tuple[Metric, Unit, Dimensions], Entry] = {}
    for metric, units in index(entries).items():
        for unit, buckets in units.items():
            for entry in buckets.values():
                dimensions = mapped_dimensions(entry.dimensions, names)
                other = found.get((metric, unit, dimensions))
                if other is None or _lower(entry, other) is other:
                    found[metric, unit, dimensions] = replace(entry, dimensions=dimensions)
    yield from found.values()


def mapped_dimensions(dimensions: Dimensions, names: DimensionMap) -> Dimensions:
    return tuple((name, names.get(name, {}).get(value, value)) for name, value in dimensions)


def effective(buckets: Mapping[Dimensions, Entry], dimensions: Dimensions) -> Entry | None:
    """The most specific bucket for it; of equally specific ones the lowest."""
    if dimensions in buckets:
        return buckets[dimensions]
    for size in range(len(dimensions) - 1, -1, -1):
        hits = [buckets[part] for part in combinations(dimensions, size) if part in buckets]
        if hits:
            return reduce(_lower, hits)
    return None


def pairs(baseline: Reading, serving: Reading, peaks: Iterable[Peak] = ()) -> Iterator[Pair]:
    """Everything that either side limits or a peak is told of, more specific buckets expanded to the union.

    Dimensions have the same names on both sides and in the peaks (see `mapped`).
    """
    left, right = index(baseline.entries), index(serving.entries)
    used: dict[Metric, list[Peak]] = defaultdict(list)
    for peak in peaks:
        used[peak.service, peak.metric].append(peak)
    for metric in sorted({*left, *right, *used}):
        groups = list(_by_unit(left.get(metric, {}), right.get(metric, {})))
        for peak in used.get(metric, ()):
            _join(groups, peak)
        for group in groups:
            yield from _expanded(metric, group, baseline, serving)


@dataclass(slots=True)
class _Group:
    """What is compared with each other: one metric's limits, as far as their units allow."""

    unit: Unit
    ours: Buckets = field(default_factory=dict)
    theirs: Buckets = field(default_factory=dict)
    peaks: dict[Dimensions, Peak] = field(default_factory=dict)


def _distance(one: Unit, other: Unit) -> int:
    if one == other:
        return 0
    return 1 if factor(one, other) is not None else 2


def _by_unit(ours: ByUnit, theirs: ByUnit) -> Iterator[_Group]:
    """Equal units meet first, then such as can be converted, then any: that is for a person to mend."""
    if ours.keys() == theirs.keys():
        yield from (_Group(unit, ours[unit], theirs[unit]) for unit in ours)
        return
    left, right = dict(ours), dict(theirs)
    meetings = sorted((_distance(a, b), str(a), str(b), a, b) for a, b in product(ours, theirs))
    for _, _, _, unit, other in meetings:
        if unit in left and other in right:
            yield _Group(other, left.pop(unit), right.pop(other))
    yield from (_Group(unit, ours=buckets) for unit, buckets in left.items())
    yield from (_Group(unit, theirs=buckets) for unit, buckets in right.items())


def _join(groups: list[_Group], peak: Peak) -> None:
    if not groups:
        groups.append(_Group(peak.unit))
    nearest = min(groups, key=lambda group: _distance(peak.unit, group.unit))
    nearest.peaks[peak.dimensions] = peak


def _expanded(metric: Metric, group: _Group, baseline: Reading, serving: Reading) -> Iterator[Pair]:
    for dimensions in sorted({*group.ours, *group.theirs, *group.peaks}):
        yield Pair(
            *metric,
            dimensions,
            baseline=effective(group.ours, dimensions) or _unlisted(baseline, metric, group.unit),
            serving=effective(group.theirs, dimensions) or _unlisted(serving, metric, group.unit),
            peak=group.peaks.get(dimensions),
        )


def _unlisted(reading: Reading, metric: Metric, unit: Unit) -> Entry | None:
    service, name = metric
    if service not in reading.unlimited:
        return None
    return Entry("", service, name, unit, limit=UNLIMITED)


def holding(indexed: Mapping[Metric, ByUnit], reading: Reading, need: Need) -> Entry | None:
    """The limit that a need in this reading meets; `indexed`: its entries."""
    metric = (need.service, need.metric)
    nearest = min(indexed.get(metric, {}), key=lambda unit: _distance(need.unit, unit), default=need.unit)
    found = effective(indexed.get(metric, {}).get(nearest, {}), need.dimensions)
    return found or _unlisted(reading, metric, nearest)
