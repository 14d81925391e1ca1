"""Plays a week of the shop's users to Prometheus: what it would have scraped of the services in production.

A demo cannot wait a week. The samples have the names and labels of the services' own, and pod="played".
The same moment always has the same requests: all chance comes from a seed.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

STEP: Final = 300
HOUR: Final = 3600
DAY: Final = 24 * HOUR
DAYS: Final = 8
"""And today: the last week has all of its full hours whenever it is asked for."""
ATTEMPTS: Final = 120
_SEED: Final = 79

BUSIEST: Final = (4, 20)
"""Friday, 20:00 UTC."""
_OF_THE_DAY: Final = (
    *(0.10, 0.06, 0.05, 0.05, 0.06, 0.09, 0.16, 0.28, 0.38, 0.44, 0.49, 0.55),
    *(0.64, 0.58, 0.50, 0.48, 0.52, 0.62, 0.76, 0.92, 1.00, 0.83, 0.48, 0.22),
)
_OF_THE_WEEK: Final = (0.74, 0.70, 0.73, 0.80, 1.00, 0.90, 0.82)


class Endpoint(NamedTuple):
    """Of a service, with what it answers; `rate` is of the busiest hour, requests a second."""

    app: str
    method: str
    route: str
    status: int
    rate: float
    seconds: float
    steep: float = 1.0
    """0: as often at night as by day; above 1: people browse at noon, and buy in the evening."""


ENDPOINTS: Final = (
    Endpoint("orders", "GET", "/orders", 200, 9.0, 0.012),
    Endpoint("orders", "GET", "/orders/{orderId}", 200, 5.9, 0.006),
    Endpoint("orders", "GET", "/orders/{orderId}", 404, 0.1, 0.003),
    Endpoint("orders", "POST", "/orders", 201, 4.8, 0.31, 1.3),
    Endpoint("orders", "POST", "/orders", 409, 0.2, 0.005, 1.3),
    Endpoint("carts", "GET", "/carts/{customerId}/lines", 200, 14.0, 0.004),
    Endpoint("carts", "POST", "/carts/{customerId}/lines", 201, 7.0, 0.005, 1.2),
    Endpoint("carts", "DELETE", "/carts/{customerId}/lines/{lineId}", 204, 1.5, 0.004),
    Endpoint("catalogue", "GET", "/articles", 200, 31.0, 0.005),
    Endpoint("catalogue", "GET", "/articles/{articleId}", 200, 22.0, 0.003),
    *(Endpoint(app, "GET", "/readyz", 200, 0.5, 0.002, 0.0) for app in ("orders", "carts", "catalogue")),
    *(Endpoint(app, "GET", "/metrics", 200, 0.2, 0.002, 0.0) for app in ("orders", "carts", "catalogue")),
)


class Counted(NamedTuple):
    """What one endpoint has counted up to a moment (seconds since 1970)."""

    moment: int
    count: int
    seconds: float


def counted(endpoint: Endpoint, until: int) -> Iterator[Counted]:
    """Every five minutes of the days before, from a midnight on: sent again, the samples are the same."""
    count, seconds = 0, 0.0
    for moment in range(until // DAY * DAY - DAYS * DAY, until + 1, STEP):
        chance = random.Random(f"{_SEED} {endpoint[:4]} {moment}")
        mean = endpoint.rate * busy(moment - STEP) ** endpoint.steep * STEP
        came = max(0, round(chance.gauss(mean, math.sqrt(mean))))
        count += came
        seconds += came * endpoint.seconds * chance.uniform(0.9, 1.1)
        yield Counted(moment, count, seconds)


def busy(moment: int) -> float:
    """How busy the five minutes from `moment` on are; 1 in the busiest hour."""
    at = time.gmtime(moment)
    return _OF_THE_DAY[at.tm_hour] * _OF_THE_WEEK[at.tm_wday]


def histograms(until: int) -> Iterator[dict[str, Any]]:
    """One endpoint each, as a metric of OTLP."""
    for endpoint in ENDPOINTS:
        points = [_point(endpoint, each) for each in counted(endpoint, until)]
        yield {
            "name": "http_request_duration_seconds",
            "histogram": {"aggregationTemporality": 2, "dataPoints": points},
        }


def request(metric: dict[str, Any]) -> dict[str, Any]:
    """What Prometheus' receiver of OTLP takes; the resource's attributes become `job` and `instance`."""
    resource = {"service.name": "pods", "service.instance.id": "played"}
    return {
        "resourceMetrics": [
            {"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [{"metrics": [metric]}]}
        ]
    }


def _point(endpoint: Endpoint, counted: Counted) -> dict[str, Any]:
    """Without buckets: nobody asks for percentiles of what was only played."""
    labels = {
        "app": endpoint.app,
        "namespace": "devperfops-demo",
        "pod": "played",
        "method": endpoint.method,
        "route": endpoint.route,
        "status": str(endpoint.status),
    }
    return {
        "attributes": _attributes(labels),
        "timeUnixNano": str(counted.moment * 10**9),
        "count": str(counted.count),
        "sum": counted.seconds,
    }


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def send(prometheus: str, until: int) -> int:
    """Everything up to a moment, an endpoint at a time; returns how many samples that are.

    Raises:
        SystemExit: Prometheus does not take them, in its own words.
    """
    samples = 0
    for metric in histograms(until):
        body = json.dumps(request(metric)).encode()
        told = urllib.request.Request(
            f"{prometheus}/api/v1/otlp/v1/metrics", body, {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(told, timeout=60).close()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"Prometheus refuses the week: {error.read().decode()}") from error
        samples += len(metric["histogram"]["dataPoints"])
    return samples


def await_ready(prometheus: str) -> None:
    """Return when it answers.

    Raises:
        OSError: it does not within two minutes.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            urllib.request.urlopen(f"{prometheus}/-/ready", timeout=5).close()
        except OSError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(1)
        else:
            return


def main() -> None:
    """Once: Prometheus takes no sample twice."""
    prometheus = os.environ["PROMETHEUS"]
    await_ready(prometheus)
    samples = send(prometheus, int(time.time()))
    sys.stdout.write(f"{len(ENDPOINTS)} counters of three services over {DAYS} days: {samples:,} samples\n")


if __name__ == "__main__":
    main()
