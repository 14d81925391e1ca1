"""A load profile of a shop, for tests of what takes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

RATES = {
    "GET /api/customers": 20.0,
    "GET /api/orders/{id}": 12.0,
    "POST /api/orders": 4.0,
    "GET /reports": 4.0,
}


def document(age: timedelta = timedelta(hours=1)) -> dict[str, Any]:
    """A LoadProfile of 40 requests a second whose newest traffic is so old."""
    newest = datetime.now(UTC) - age
    whole = sum(RATES.values())
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
            "usual": 10,
            "peak": {"day": "Fri", "hour": 12, "rate": whole, "least": 38, "most": 42, "weeks": 4},
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
                for name, rate in RATES.items()
            ],
        },
    }
