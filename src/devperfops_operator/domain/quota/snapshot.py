"""What both environments were granted at one time, with a hash that tells whether somebody changed it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.quota.buckets import pairs
from devperfops_operator.domain.quota.entry import (
    Dimensions,
    Entry,
    Kind,
    Limit,
    NoNumber,
    Reading,
    at_most,
    converted,
)
from devperfops_operator.domain.quota.units import factor, parse_unit

SCHEMA: Final = "devperfops.io/quota-snapshot/v1"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Of one policy's environments, both read whole."""

    policy: str
    taken_at: datetime
    baseline: Reading
    serving: Reading


@dataclass(frozen=True, slots=True)
class Change:
    """A limit that is another one now; None: it was or is not there. `lower`: less than before."""

    environment: str
    entry: Entry
    before: Limit | None
    after: Limit | None
    lower: bool


def changes(old: Reading, new: Reading) -> Iterator[Change]:
    """Amounts are in the unit of the limit as it is now, where the old one can be converted."""
    for pair in pairs(old, new):
        before, after = pair.baseline, pair.serving
        entry = after or before
        if entry is None:
            continue
        was, now = _limit(before), _limit(after)
        if before and after and factor(before.unit, after.unit) is not None:
            was = converted(before.effective, before.unit, after.unit)
        if was != now:
            yield Change(new.name, replace(entry, dimensions=pair.dimensions), was, now, _lower(was, now))


def _limit(entry: Entry | None) -> Limit | None:
    return None if entry is None else entry.effective


def _lower(was: Limit | None, now: Limit | None) -> bool:
    """What nobody can tell counts as less: it is no reason to go on."""
    if was is None:
        return False
    if now is None or NoNumber.UNKNOWN in (was, now):
        return True
    return not at_most(was, now)


def write(snapshot: Snapshot) -> dict[str, Any]:
    """As JSON, limits as exact texts."""
    body = {
        "schema": SCHEMA,
        "policy": snapshot.policy,
        "takenAt": snapshot.taken_at.isoformat(),
        "baseline": _environment(snapshot.baseline),
        "serving": _environment(snapshot.serving),
    }
    return {**body, "digest": _digest(body)}


def read(document: Any) -> Snapshot:
    """Raises InvalidRecord if it is none, or not as it was written."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InvalidRecord(f"it is no snapshot ({SCHEMA}); take one: devperfops quota snapshot")
    body = {key: value for key, value in document.items() if key != "digest"}
    if document.get("digest") != _digest(body):
        raise InvalidRecord("its digest is not that of its content: somebody changed it; take another one")
    try:
        return Snapshot(
            policy=body["policy"],
            taken_at=datetime.fromisoformat(body["takenAt"]),
            baseline=_reading(body["baseline"]),
            serving=_reading(body["serving"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRecord(f"it is of another version ({error!r}); take another one") from error


def _digest(body: Mapping[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _environment(reading: Reading) -> dict[str, Any]:
    entries = sorted(
        reading.entries, key=lambda each: (each.service, each.metric, str(each.unit), each.dimensions)
    )
    return {
        "name": reading.name,
        "unlimited": sorted(reading.unlimited),
        "limits": [_entry(entry) for entry in entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "provider": entry.provider,
        "service": entry.service,
        "metric": entry.metric,
        "unit": entry.unit.text,
        "kind": entry.kind.value,
        "dimensions": dict(entry.dimensions),
        "limit": _exact(entry.limit),
        "usage": None if entry.usage is None else _exact(entry.usage),
        "pending": None if entry.pending is None else _exact(entry.pending),
        "source": entry.source,
        "observedAt": None if entry.observed_at is None else entry.observed_at.isoformat(),
        "ordinal": entry.ordinal or None,
        "estimate": entry.estimate,
    }
    return {key: value for key, value in fields.items() if value not in (None, {}, "")}


def _reading(raw: Mapping[str, Any]) -> Reading:
    entries = [_stored(each) for each in raw["limits"]]
    return Reading(raw["name"], entries, unlimited=frozenset(raw["unlimited"]))


def _stored(raw: Mapping[str, Any]) -> Entry:
    return Entry(
        provider=raw["provider"],
        service=raw["service"],
        metric=raw["metric"],
        unit=parse_unit(raw["unit"]),
        limit=_limit_of(raw["limit"]),
        kind=Kind(raw["kind"]),
        dimensions=_sorted(raw.get("dimensions", {})),
        usage=Fraction(raw["usage"]) if "usage" in raw else None,
        pending=_limit_of(raw["pending"]) if "pending" in raw else None,
        source=raw.get("source", ""),
        observed_at=datetime.fromisoformat(raw["observedAt"]) if "observedAt" in raw else None,
        ordinal=raw.get("ordinal", False),
        estimate=raw.get("estimate", ""),
    )


def _exact(limit: Limit) -> str:
    return limit.value if isinstance(limit, NoNumber) else str(limit)


def _limit_of(text: str) -> Limit:
    return NoNumber(text) if text in list(NoNumber) else Fraction(text)


def _sorted(dimensions: Mapping[str, str]) -> Dimensions:
    return tuple(sorted(dimensions.items()))
