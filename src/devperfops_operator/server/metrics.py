"""What the operator tells Prometheus about itself."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.api.quota_status import StoredQuotaPolicy

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Shows a registry at `/metrics`, and adds the process, the runs, the policies and the requests to it."""

    def __init__(
        self,
        registry: CollectorRegistry,
        runs: Callable[[], Iterable[PerfRun]],
        policies: Callable[[], Iterable[StoredQuotaPolicy]],
    ) -> None:
        self._registry = registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_Runs(runs))
        registry.register(_Headroom(policies))
        self._requests = Counter(
            "devperfops_http_requests_total",
            "Requests answered, by route and status code.",
            ["method", "route", "code"],
            registry=registry,
        )

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metrics", self._expose)]

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            code = web.HTTPInternalServerError.status_code
            try:
                response = await handler(request)
                code = response.status
            except web.HTTPException as error:
                code = error.status
                raise
            else:
                return response
            finally:
                self._requests.labels(_method(request), _route(request), code).inc()

        return count

    async def _expose(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={hdrs.CONTENT_TYPE: _TEXT})


class _Runs(Collector):
    """Counts the runs that exist when it is asked."""

    def __init__(self, runs: Callable[[], Iterable[PerfRun]]) -> None:
        self._runs = runs

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "devperfops_runs", "Runs that exist, by phase and verdict.", labels=["phase", "verdict"]
        )
        counts = Tally((str(run.status.phase), str(run.status.verdict or "")) for run in self._runs())
        for labels, count in sorted(counts.items()):
            family.add_metric(labels, count)
        yield family


class _Headroom(Collector):
    """One series a policy, however many metrics it compares; none while it is not known."""

    def __init__(self, policies: Callable[[], Iterable[StoredQuotaPolicy]]) -> None:
        self._policies = policies

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "devperfops_quota_headroom_ratio",
            "(granted - asked) / asked of the policy's metric that has the least, waived or not.",
            labels=["namespace", "policy"],
        )
        for policy in self._policies():
            if policy.status.headroom is not None:
                labels = [policy.metadata.namespace, policy.metadata.name]
                family.add_metric(labels, float(policy.status.headroom))
        yield family


def _method(request: web.Request) -> str:
    return request.method if request.method in {hdrs.METH_GET, hdrs.METH_POST} else "other"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "other"  # a stranger's paths must not become series
