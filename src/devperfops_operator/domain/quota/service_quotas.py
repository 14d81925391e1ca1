"""AWS's ServiceQuota, as Service Quotas writes it in JSON, as limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.quota.entry import UNKNOWN, Dimensions, Entry, Kind, Limit
from devperfops_operator.domain.quota.units import Unit, every, parse_unit

Raw = Mapping[str, Any]
_Key = tuple[str, str]
"""A quota's code, and the one resource that it is about, or an empty text."""

_PROVIDER: Final = "aws"
_OPEN: Final = frozenset({"PENDING", "CASE_OPENED"})
_COUNTED: Final = {"None": "1", "Count": "1", "Bytes": "By"}
_EVERY_RESOURCE: Final = "*"
_PERIODS: Final = {
    "MICROSECOND": Fraction(1, 1_000_000),
    "MILLISECOND": Fraction(1, 1_000),
    "SECOND": Fraction(1),
    "MINUTE": Fraction(60),
    "HOUR": Fraction(3_600),
    "DAY": Fraction(86_400),
    "WEEK": Fraction(604_800),
}
"""In seconds."""


def service_quota_entries(
    applied: Iterable[Raw],
    defaults: Iterable[Raw],
    changes: Iterable[Raw],
    region: str,
    observed_at: datetime,
) -> list[Entry]:
    """Of one service in one region: AWS's defaults hold where nothing else is applied.

    `changes`: requests for other values, of any age. Raises InvalidSpec for a unit that is not known here.
    """
    quotas = {_key(raw): raw for raw in defaults} | {_key(raw): raw for raw in applied}
    desired = {_key(raw): Fraction(raw["DesiredValue"]) for raw in changes if raw["Status"] in _OPEN}
    return [_entry(raw, desired.get(key), region, observed_at) for key, raw in quotas.items()]


def _key(raw: Raw) -> _Key:
    return raw["QuotaCode"], _resource(raw)


def _resource(raw: Raw) -> str:
    """Empty: it is about the account, or about each resource that has none of its own."""
    context = raw.get("QuotaContext") or {}
    name: str = context.get("ContextId") or _EVERY_RESOURCE
    return "" if name == _EVERY_RESOURCE or context.get("ContextScope") == "ACCOUNT" else name


def _entry(raw: Raw, desired: Fraction | None, region: str, observed_at: datetime) -> Entry:
    unit, times = _unit(raw)
    limit = UNKNOWN if raw.get("ErrorReason") or "Value" not in raw else Fraction(raw["Value"]) * times
    pending: Limit | None = None if desired is None else desired * times
    return Entry(
        provider=_PROVIDER,
        service=raw["ServiceCode"],
        metric=raw["QuotaCode"],
        unit=unit,
        limit=limit,
        kind=Kind.ALLOCATION if unit.window is None else Kind.RATE,
        dimensions=_dimensions(raw, region),
        pending=pending,
        source=f"{_name(raw)} in {region}",
        observed_at=observed_at,
        raised_by=_raised_by(raw, region),
    )


def _dimensions(raw: Raw, region: str) -> Dimensions:
    told = {"region": "" if raw.get("GlobalQuota") else region, "resource": _resource(raw)}
    return tuple((name, value) for name, value in told.items() if value)


def _unit(raw: Raw) -> tuple[Unit, Fraction]:
    """The unit, and what a value is to be multiplied with."""
    word, _, time = (raw.get("Unit") or "None").partition("/")
    base, period = _COUNTED.get(word, word), raw.get("Period")
    if period:
        return every(base, _PERIODS[period["PeriodUnit"]] * Fraction(period["PeriodValue"]))
    return parse_unit(f"{base}/{'s' if time == 'Second' else time}" if time else base), Fraction(1)


def _raised_by(raw: Raw, region: str) -> str:
    if not raw.get("Adjustable"):
        return f"AWS raises {_name(raw)} for nobody: use less of it, or divide the work among accounts"
    command = (
        f"aws service-quotas request-service-quota-increase --region {region} "
        f"--service-code {raw['ServiceCode']} --quota-code {raw['QuotaCode']} --desired-value {{limit}}"
    )
    resource = _resource(raw)
    told = f" --context-id {resource}" if resource else ""
    return f"{command}{told}  # {_name(raw)}"


def _name(raw: Raw) -> str:
    return str(raw.get("QuotaName") or raw["QuotaCode"])
