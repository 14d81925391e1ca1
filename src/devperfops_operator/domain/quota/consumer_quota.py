"""Google's ConsumerQuotaMetric, as both of its APIs write it in JSON, as limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.quota.entry import UNLIMITED, Entry, Kind, Limit
from devperfops_operator.domain.quota.units import parse_unit

Raw = Mapping[str, Any]

_PROVIDER: Final = "google"
_UNLIMITED: Final = -1
_OVERRIDES: Final = ("producerOverride", "consumerOverride", "adminOverride")
_CONSOLE: Final = "https://console.cloud.google.com/iam-admin/quotas?project="


def metric_entries(service: str, metric: Raw, project: str, observed_at: datetime) -> Iterator[Entry]:
    """One for each bucket of each limit. Raises InvalidSpec for a unit that is not known here."""
    name = metric["metric"]
    for limit in metric.get("consumerQuotaLimits", ()):
        unit = parse_unit(limit["unit"])
        for bucket in limit.get("quotaBuckets", ()):
            yield Entry(
                provider=_PROVIDER,
                service=service,
                metric=name.removeprefix(f"{service}/"),
                unit=unit,
                limit=_amount(bucket, "effectiveLimit"),
                kind=Kind.ALLOCATION if unit.window is None else Kind.RATE,
                dimensions=tuple(sorted(bucket.get("dimensions", {}).items())),
                pending=_pending(bucket),
                source=f"project {project}",
                observed_at=observed_at,
                raised_by=f"ask for {{limit}} of {name} ({unit}) at {_CONSOLE}{project}",
            )


def _pending(bucket: Raw) -> Limit | None:
    """While a default is rolled out, the limit may be the old one or the new; an override stays."""
    rollout = bucket.get("rolloutInfo", {}).get("defaultLimitOngoingRollout", False)
    overridden = any(name in bucket for name in _OVERRIDES)
    return _amount(bucket, "defaultLimit") if rollout and not overridden else None


def _amount(bucket: Raw, field: str) -> Limit:
    """64 bits are written as a text, and a 0 is left out."""
    value = int(bucket.get(field, 0))
    return UNLIMITED if value == _UNLIMITED else Fraction(value)
