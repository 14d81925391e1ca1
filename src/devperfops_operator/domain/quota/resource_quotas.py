"""Azure's quotas and usages, as Microsoft.Quota writes them in JSON, as limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Entry, Kind, Limit
from devperfops_operator.domain.quota.units import Unit, every, parse_unit

Raw = Mapping[str, Any]

_PROVIDER: Final = "azure"
_OPEN: Final = frozenset({"Accepted", "InProgress"})
_UNLIMITED: Final = -1
_COUNTED: Final = {"": "1", "Count": "1", "Bytes": "By", "CountPerSecond": "1/s", "BytesPerSecond": "By/s"}
_PERIOD: Final = re.compile(r"P(?=[0-9T])(([0-9]+)D)?(T(?=[0-9])(([0-9]+)H)?(([0-9]+)M)?(([0-9]+)S)?)?")
_SECONDS: Final = {2: 86_400, 5: 3_600, 7: 60, 9: 1}
"""Of the pattern's groups."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A provider of resources, such as Microsoft.Compute, in one location of a subscription."""

    subscription: str
    service: str
    location: str

    def __str__(self) -> str:
        return f"subscriptions/{self.subscription}/providers/{self.service}/locations/{self.location}"


def resource_quota_entries(
    quotas: Iterable[Raw],
    usages: Iterable[Raw],
    requests: Iterable[Raw],
    scope: Scope,
    observed_at: datetime,
) -> list[Entry]:
    """`requests`: for other limits, of any age. Raises InvalidSpec for a unit that is not known here."""
    used = {_name(raw["properties"]): raw["properties"].get("usages") for raw in usages}
    pending = {
        _name(each): _limit(each)
        for request in requests
        for each in request["properties"].get("value") or ()
        if _state(each, request) in _OPEN
    }
    return [
        _entry(raw["properties"], used.get(name), pending.get(name), scope, observed_at)
        for raw in quotas
        for name in [_name(raw["properties"])]
    ]


def _entry(quota: Raw, used: Raw | None, pending: Limit | None, scope: Scope, observed_at: datetime) -> Entry:
    unit, times = _unit(quota)
    return Entry(
        provider=_PROVIDER,
        service=scope.service,
        metric=_name(quota),
        unit=unit,
        limit=_times(_limit(quota), times),
        kind=Kind.ALLOCATION if unit.window is None else Kind.RATE,
        dimensions=(("region", scope.location),),
        usage=None if used is None else Fraction(used["value"]) * times,
        pending=None if pending is None else _times(pending, times),
        source=f"{quota['name'].get('localizedValue') or _name(quota)} in {scope.location}",
        observed_at=observed_at,
        raised_by=_raised_by(quota, scope),
    )


def _name(properties: Raw) -> str:
    return str(properties["name"]["value"])


def _state(part: Raw, request: Raw) -> str | None:
    """A request has a part for each of its resources, which may be done before the others."""
    state: str | None = part.get("provisioningState") or request["properties"].get("provisioningState")
    return state


def _limit(properties: Raw) -> Limit:
    limit = properties.get("limit") or {}
    if "value" not in limit:
        return UNKNOWN
    return UNLIMITED if limit["value"] == _UNLIMITED else Fraction(limit["value"])


def _times(limit: Limit, times: Fraction) -> Limit:
    return limit * times if isinstance(limit, Fraction) else limit


def _unit(quota: Raw) -> tuple[Unit, Fraction]:
    """The unit, and what an amount is to be multiplied with."""
    word, period = quota.get("unit") or "", quota.get("quotaPeriod")
    base = _COUNTED.get(word, word)
    return every(base, _seconds(period)) if period else (parse_unit(base), Fraction(1))


def _seconds(period: str) -> Fraction:
    told = _PERIOD.fullmatch(period)
    seconds = sum(int(told[group] or 0) * size for group, size in _SECONDS.items()) if told else 0
    if not seconds:
        raise InvalidSpec("quotaPeriod", f'"{period}" is not a period that is known here')
    return Fraction(seconds)


def _raised_by(quota: Raw, scope: Scope) -> str:
    if quota.get("isQuotaApplicable") is False:
        return f"ask for {{limit}} of {_name(quota)} in {scope.location} by a support request to Azure"
    return (
        f"az quota update --scope {scope} --resource-name {_name(quota)} "
        "--limit-object value={limit} limit-object-type=LimitValue"
    )
