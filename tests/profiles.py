"""A load profile of a shop, for tests of what takes one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

RATES: Final[Mapping[str, float]] = MappingProxyType(
    {
        "GET /api/customers": 20.0,
        "GET /api/orders/{id}": 12.0,
        "POST /api/orders": 4.0,
        "GET /reports": 4.0,
    }
)


def document(age: timedelta = timedelta(hours=1), rates: Mapping[str, float] = RATES) -> dict[str, Any]:
    """A LoadProfile with such `rates` at the busiest hour (requests a second), whose newest traffic is so old."""
    newest = datetime.now(UTC) - age
    whole = sum(rates.values())
    return {
        "apiVersion": "devperfops.io/v1alpha1",
        "kind": "LoadProfile",
        "metadata": {"name": "shop"},
        "spec": {
            "origin": {
                "prometheus": "http://127.0.0.1:9090",
                "names": "generic",
                "requests": "http_requests_total",
                "by": ["method", "route"],
                "from": (newest - timedelta(weeks=4)).isoformat(),
                "to": newest.isoformat(),
                "madeAt": newest.isoformat(),
            },
            "data": {"hours": 672, "known": 672, "gaps": 0, "newest": newest.isoformat()},
            "usual": whole / 4,
            "peak": {
                "day": "Fri",
                "hour": 12,
                "weeks": 4,
                "rate": whole,
                "least": 0.95 * whole,
                "most": 1.05 * whole,
            },
            "seasons": [
                {
                    "name": "sale",
                    "from": "11-20",
                    "to": "12-01",
                    "factor": 3,
                    "source": "Declared",
                    "hours": 0,
                },
                {"name": "easter", "from": "04-01", "to": "04-07", "source": "Measured", "hours": 0},
            ],
            "endpoints": [
                {
                    "method": name.split()[0],
                    "route": name.split()[1],
                    "requests": 1000,
                    "peak": {"rate": rate, "share": rate / whole},
                    "usual": {"rate": rate / 4, "share": rate / whole},
                }
                for name, rate in rates.items()
            ],
        },
    }
