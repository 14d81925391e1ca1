"""Google's QuotaInfo and QuotaPreference, as Cloud Quotas writes them in JSON, as limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import UNKNOWN, UNLIMITED, Dimensions, Entry, Kind, Limit
from devperfops_operator.domain.quota.units import Unit, parse_unit

Raw = Mapping[str, Any]

_PROVIDER: Final = "google"
_UNLIMITED: Final = -1
_INTERVAL: Final = re.compile(r"(?:(?P<times>[1-9][0-9]{0,3}) )?(?P<window>second|minute|hour|day)s?")
_WINDOWS: Final = {"second": "s", "minute": "min", "hour": "h", "day": "d"}


def cloud_quota_entries(
    infos: Iterable[Raw], preferences: Iterable[Raw], service: str, project: str, observed_at: datetime
) -> Iterator[Entry]:
    """One for each bucket of each quota. A preference that is being reconciled is a pending change.

    Raises InvalidSpec for a unit that is not known here.
    """
    wanted: dict[str, dict[Dimensions, Limit]] = {}
    for each in preferences:
        if each.get("reconciling") and each["service"] == service:
            of_quota = wanted.setdefault(each["quotaId"], {})
            of_quota[_dimensions(each)] = _amount(each["quotaConfig"], "preferredValue")
    for info in infos:
        pending = wanted.get(info["quotaId"], {})
        for dimensions, details in _buckets(info, pending).items():
            bucket = _Bucket(dimensions, details, pending.get(dimensions))
            yield _entry(info, bucket, project, observed_at)


def _buckets(info: Raw, wanted: Iterable[Dimensions]) -> dict[Dimensions, Raw]:
    """What is told, and what is asked for: that has as yet what holds for more than it."""
    told = {_dimensions(each): each.get("details") or {} for each in info.get("dimensionsInfos") or ()}
    asked: dict[Dimensions, Raw] = {}
    for dimensions in wanted:
        wider = [each for each in told if set(each) <= set(dimensions)]
        if dimensions not in told and wider:
            asked[dimensions] = told[max(wider, key=len)]
    return {**told, **asked}


@dataclass(frozen=True, slots=True)
class _Bucket:
    """`wanted`: what it is to become; None: nobody asks for another limit."""

    dimensions: Dimensions
    details: Raw
    wanted: Limit | None

    @property
    def pending(self) -> Limit | None:
        """While a default is rolled out nobody tells the new one."""
        rollout = (self.details.get("rolloutInfo") or {}).get("ongoingRollout", False)
        return UNKNOWN if rollout else self.wanted


def _entry(info: Raw, bucket: _Bucket, project: str, observed_at: datetime) -> Entry:
    unit = _unit(info)
    return Entry(
        provider=_PROVIDER,
        service=info["service"],
        metric=info["metric"].removeprefix(f"{info['service']}/"),
        unit=unit,
        limit=_amount(bucket.details, "value"),
        kind=_kind(info, unit),
        dimensions=bucket.dimensions,
        pending=bucket.pending,
        source=f"{info.get('quotaDisplayName') or info['quotaId']} of project {project}",
        observed_at=observed_at,
        raised_by=_raised_by(info, bucket.dimensions, project),
    )


def _kind(info: Raw, unit: Unit) -> Kind:
    if info.get("isConcurrent"):
        return Kind.CONCURRENCY
    return Kind.ALLOCATION if unit.window is None else Kind.RATE


def _unit(info: Raw) -> Unit:
    """As the other two of Google's APIs write it: `1/min/{project}/{region}`."""
    container = (info.get("containerType") or "PROJECT").lower()
    per = "".join(f"/{{{name}}}" for name in (container, *info.get("dimensions", ())))
    base, window = info.get("metricUnit") or "1", _window(info.get("refreshInterval"))
    return parse_unit(f"{base}{window}{per}", "metricUnit")


def _window(interval: str | None) -> str:
    if not interval:
        return ""
    told = _INTERVAL.fullmatch(interval)
    if told is None:
        raise InvalidSpec("refreshInterval", f'"{interval}" is not an interval that is known here')
    times = told["times"] or "1"
    return f"/{'' if times == '1' else times}{_WINDOWS[told['window']]}"


def _dimensions(raw: Raw) -> Dimensions:
    return tuple(sorted((raw.get("dimensions") or {}).items()))


def _amount(raw: Raw, field: str) -> Limit:
    """64 bits are written as a text, and a 0 is left out."""
    value = int(raw.get(field, 0))
    return UNLIMITED if value == _UNLIMITED else Fraction(value)


def _raised_by(info: Raw, dimensions: Dimensions, project: str) -> str:
    eligibility = info.get("quotaIncreaseEligibility") or {}
    if info.get("isFixed"):
        return f"Google raises {info['quotaId']} for nobody: use less of it"
    if eligibility.get("ineligibilityReason"):
        reason = eligibility["ineligibilityReason"]
        return f"Google takes no requests for {info['quotaId']} ({reason}): ask its support for {{limit}}"
    named = ",".join(f"{name}={value}" for name, value in dimensions)
    command = (
        f"gcloud beta quotas preferences create --project={project} --service={info['service']} "
        f"--quota-id={info['quotaId']} --preferred-value={{limit}}"
    )
    return f"{command} --dimensions={named}" if named else command
