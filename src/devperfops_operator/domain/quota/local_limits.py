"""Envoy's local rate limits: token buckets of `LocalRateLimit` filters, wherever they stand in a file.

Each proxy has its own bucket, so a limit is one for each proxy. Envoy reads names in either case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import (
    UNKNOWN,
    UNLIMITED,
    Entry,
    Kind,
    Limit,
    at_most,
    converted,
)
from devperfops_operator.domain.quota.units import Unit, every, parse_unit

Raw = Mapping[str, Any]
_Dimensions = Mapping[str, str]

LOCAL: Final = "local-ratelimit"
"""The service's name; its metrics are `rate` and `burst`."""

_PROVIDER: Final = "envoy"
_TYPE: Final = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_STRUCT: Final = ".TypedStruct"
_DURATION: Final = re.compile(r"[0-9]+([.][0-9]{1,9})?s")
_DENOMINATORS: Final = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
_NAMED: Final = {"virtual_hosts": "vhost", "virtualHosts": "vhost", "routes": "route"}
"""Lists whose elements have limits of their own, and the dimension that tells which."""


@dataclass(frozen=True, slots=True)
class Place:
    """`source`: for people."""

    source: str
    observed_at: datetime


def local_entries(document: Any, place: Place) -> list[Entry]:
    """Of Envoy's configuration or an EnvoyFilter. Raises InvalidSpec for a bucket that is none."""
    return [entry for config, at in _configs(document) for entry in _Filter(config, at, place).entries()]


def _configs(document: Any) -> Iterator[tuple[Raw, _Dimensions]]:
    match document:
        case {"kind": "EnvoyFilter", "spec": {"configPatches": list(patches)} as spec}:
            selected = _workload(spec)
            for each in patches:
                value = (each.get("patch") or {}).get("value")
                yield from _found(value, {**selected, **_matched(each.get("match") or {})})
        case _:
            yield from _found(document, {})


def _workload(spec: Raw) -> _Dimensions:
    labels = (spec.get("workloadSelector") or {}).get("labels") or {}
    targets = [f"{each['kind']}/{each['name']}" for each in spec.get("targetRefs") or ()]
    names = [*(f"{name}={value}" for name, value in sorted(labels.items())), *sorted(targets)]
    return {"workload": ",".join(names)} if names else {}


def _matched(match: Raw) -> _Dimensions:
    host = (match.get("routeConfiguration") or {}).get("vhost") or {}
    told = {
        "context": match.get("context"),
        "port": (match.get("listener") or {}).get("portNumber"),
        "vhost": host.get("name"),
        "route": (host.get("route") or {}).get("name"),
    }
    return {name: str(value) for name, value in told.items() if value not in (None, "ANY")}


def _found(value: Any, at: _Dimensions) -> Iterator[tuple[Raw, _Dimensions]]:
    """All LocalRateLimits in it, each with where it holds."""
    if isinstance(value, list):
        for each in value:
            yield from _found(each, at)
    if not isinstance(value, dict):
        return
    config = _config(value)
    if config is not None:
        yield config, at
        return
    for key, inner in value.items():
        dimension = _NAMED.get(key)
        if dimension is None or not isinstance(inner, list):
            yield from _found(inner, at)
            continue
        for each in inner:
            yield from _found(each, {**at, dimension: _called(each)})


def _config(value: Raw) -> Raw | None:
    kind = str(value.get("@type", ""))
    if kind.endswith(_TYPE):
        return value
    if kind.endswith(_STRUCT) and str(_field(value, "type_url")).endswith(_TYPE):
        return value.get("value") or {}
    return None


def _called(element: Any) -> str:
    """A route needs no name; what it matches tells it then."""
    if not isinstance(element, dict):
        return ""
    match = element.get("match") or {}
    told = (element.get("name"), *(match.get(each) for each in ("path", "prefix")))
    return str(next(filter(None, told), match or ""))


@dataclass(frozen=True, slots=True)
class _Filter:
    """One LocalRateLimit."""

    config: Raw
    at: _Dimensions
    place: Place

    def entries(self) -> Iterator[Entry]:
        """A request takes of its descriptor's bucket and, unless told otherwise, of the filter's too."""
        bucket = _field(self.config, "token_bucket")
        whole = {} if bucket is None else self._bucket(bucket, {})
        yield from whole.values()
        both = _field(self.config, "always_consume_default_token_bucket") is not False
        for descriptor in self.config.get("descriptors") or ():
            told = ", ".join(_entry_text(each) for each in descriptor.get("entries") or ())
            own = self._bucket(_field(descriptor, "token_bucket"), {"descriptor": told})
            for metric, entry in own.items():
                yield _lowest(entry, whole[metric]) if both and metric in whole else entry

    def _bucket(self, bucket: Raw, more: _Dimensions) -> dict[str, Entry]:
        """By metric: how fast it fills, and how much it holds."""
        connection = _field(self.config, "local_rate_limit_per_downstream_connection")
        per = "connection" if connection else "proxy"
        unit, times = every("1", _seconds(_field(bucket, "fill_interval")), per)
        rate = _whole(bucket, "tokens_per_fill", 1) * times
        burst = _whole(bucket, "max_tokens")
        return {
            "rate": self._entry("rate", unit, rate, more),
            "burst": self._entry("burst", parse_unit(f"1/{{{per}}}"), burst, more),
        }

    def _entry(self, metric: str, unit: Unit, amount: Fraction, more: _Dimensions) -> Entry:
        return Entry(
            provider=_PROVIDER,
            service=LOCAL,
            metric=metric,
            unit=unit,
            limit=self._limit(amount),
            kind=Kind.ALLOCATION if unit.window is None else Kind.RATE,
            dimensions=tuple(sorted({**self.at, **more}.items())),
            source=self.place.source,
            observed_at=self.place.observed_at,
        )

    def _limit(self, amount: Fraction) -> Limit:
        """A filter that is not switched on limits nothing; what holds for some cannot be compared."""
        share = _share(self.config, "filter_enabled") * _share(self.config, "filter_enforced")
        if share == 1:
            return amount
        return UNKNOWN if share else UNLIMITED


def _lowest(one: Entry, whole: Entry) -> Entry:
    if UNKNOWN in (one.limit, whole.limit):
        return one
    if at_most(one.limit, converted(whole.limit, whole.unit, one.unit)):
        return one
    return replace(whole, dimensions=one.dimensions)


def _entry_text(entry: Raw) -> str:
    return f"{entry['key']}={entry['value']}" if entry.get("value") else str(entry["key"])


def _field(raw: Raw, name: str) -> Any:
    """By either of its names."""
    first, *rest = name.split("_")
    return raw.get(name, raw.get(first + "".join(map(str.capitalize, rest))))


def _share(config: Raw, name: str) -> Fraction:
    """Of requests, as the file says; 0 where it says nothing. Whoever changes it at run time is not seen."""
    default = _field(_field(config, name) or {}, "default_value") or {}
    denominator = _DENOMINATORS.get(default.get("denominator", "HUNDRED"))
    if denominator is None:
        raise InvalidSpec(name, f'"{default["denominator"]}" is none of {", ".join(_DENOMINATORS)}')
    return min(_whole(default, "numerator", 0) / denominator, Fraction(1))


def _whole(raw: Raw, name: str, otherwise: int | None = None) -> Fraction:
    value = _field(raw, name)
    value = otherwise if value is None else value
    if isinstance(value, bool) or not str(value).isdecimal():
        raise InvalidSpec(name, f'"{value}" is not a whole number')
    return Fraction(str(value))


def _seconds(value: Any) -> Fraction:
    if not isinstance(value, str) or not _DURATION.fullmatch(value) or not Fraction(value[:-1]):
        raise InvalidSpec("fill_interval", f'"{value}" is not a duration: Envoy takes seconds, such as 60s')
    return Fraction(value[:-1])
