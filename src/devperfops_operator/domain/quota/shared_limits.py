"""The configuration of Envoy's rate limit service, whose limits all proxies share.

A metric is a path of descriptor keys (`PATH/client`). Values are dimensions, so a descriptor without a value
holds for all values that have none of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import UNLIMITED, Entry, Kind, Limit
from devperfops_operator.domain.quota.local_limits import Place
from devperfops_operator.domain.quota.units import Unit, parse_unit

Raw = Mapping[str, Any]

SHARED: Final = "ratelimit"
"""The service's name."""

_PROVIDER: Final = "envoy"
_ANY: Final = parse_unit("1/s")
_UNITS: Final = {
    "second": _ANY,
    "minute": parse_unit("1/min"),
    "hour": parse_unit("1/h"),
    "day": parse_unit("1/d"),
    "week": parse_unit("1/7d"),
    "month": parse_unit("1/30d"),
    "year": parse_unit("1/365d"),
}


def is_shared(document: Any) -> bool:
    """Whether it is the configuration of a rate limit service."""
    match document:
        case {"domain": str(), "descriptors": list()}:
            return True
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Path:
    """Of a descriptor: its keys, and the values that it and those above it have."""

    keys: tuple[str, ...]
    dimensions: tuple[tuple[str, str], ...]

    def below(self, descriptor: Raw) -> _Path:
        key, value = str(descriptor["key"]), descriptor.get("value")
        name = key if key not in self.keys else f"{key}#{len(self.keys) + 1}"
        told = () if value in (None, "") else ((name, str(value)),)
        return replace(self, keys=(*self.keys, name), dimensions=(*self.dimensions, *told))


def shared_entries(document: Raw, place: Place) -> list[Entry]:
    """Raises InvalidSpec for a descriptor that is none."""
    root = _Path((), (("domain", document["domain"]),))
    return list(_below(document["descriptors"], root, place))


def _below(descriptors: Any, path: _Path, place: Place) -> Iterator[Entry]:
    for each in descriptors or ():
        if not isinstance(each, dict) or "key" not in each:
            raise InvalidSpec("descriptors", "a descriptor has no key")
        inner = path.below(each)
        if each.get("rate_limit") is not None or not each.get("descriptors"):
            yield _entry(each, inner, place)
        yield from _below(each.get("descriptors"), inner, place)


def _entry(descriptor: Raw, path: _Path, place: Place) -> Entry:
    unit, limit = _limit(descriptor)
    return Entry(
        provider=_PROVIDER,
        service=SHARED,
        metric="/".join(path.keys),
        unit=unit,
        limit=limit,
        kind=Kind.RATE,
        dimensions=tuple(sorted(path.dimensions)),
        source=place.source,
        observed_at=place.observed_at,
    )


def _limit(descriptor: Raw) -> tuple[Unit, Limit]:
    """A descriptor that has no limit, or is in shadow mode, lets everything through."""
    told = descriptor.get("rate_limit")
    if told is None or told.get("unlimited"):
        return _ANY, UNLIMITED
    unit = _UNITS.get(str(told.get("unit")).lower())
    if unit is None:
        raise InvalidSpec("unit", f'"{told.get("unit")}" is none of {", ".join(_UNITS)}')
    amount = told.get("requests_per_unit")
    if isinstance(amount, bool) or not str(amount).isdecimal():
        raise InvalidSpec("requests_per_unit", f'"{amount}" is not a whole number')
    return unit, UNLIMITED if descriptor.get("shadow_mode") else Fraction(str(amount))
