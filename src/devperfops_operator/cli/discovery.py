"""What a Prometheus knows of calls between services: OpenTelemetry's service graph, or Istio's requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from requests import RequestException, Session

from devperfops_operator.adapters.prometheus.session import LONGEST, AnswerTooLong, open_session
from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.cli.doctor.vector import Vector, vector
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.domain.errors import Refused
from devperfops_operator.domain.slo.discovery import Seen

_TIMEOUT_S: Final = 30


@dataclass(frozen=True, slots=True)
class Source:
    """Names of labels, and selectors of counters; `unit_ms`: the histogram's unit in ms."""

    client: str
    server: str
    requests: str
    failed: str
    buckets: str
    unit_ms: float


SOURCES: Final = {
    "otel": Source(
        "client",
        "server",
        "traces_service_graph_request_total",
        "traces_service_graph_request_failed_total",
        "traces_service_graph_request_server_seconds_bucket",
        1_000,
    ),
    "istio": Source(
        "source_canonical_service",
        "destination_canonical_service",
        'istio_requests_total{reporter="destination"}',
        'istio_requests_total{reporter="destination",response_code=~"5.."}',
        'istio_request_duration_milliseconds_bucket{reporter="destination"}',
        1,
    ),
}


def look(server: PrometheusServer, source: Source, window: str) -> Seen:
    """Over the last `window`, such as 1h. Raises Trouble: no answer, or nothing is counted."""
    pair = f"{source.client}, {source.server}"
    queries = (
        f"sum by ({pair}) (increase({source.requests}[{window}]))",
        f"sum by ({pair}) (increase({source.failed}[{window}]))",
        f"sum by ({source.server}, le) (increase({source.buckets}[{window}]))",
    )
    now = time.time()  # the same for all, or a scrape between two would make their shares wrong
    with open_session(server) as session:
        calls, failed, buckets = (_ask(session, server.url, query, now) for query in queries)
    seen = Seen(dict(_pairs(source, calls)), dict(_pairs(source, failed)), _histograms(source, buckets))
    if not any(seen.calls.values()):
        raise Trouble(
            f"{server.url} counts no calls as {source.requests} over {window}: write another --from or "
            "--window, or let the collector or the mesh send these counters."
        )
    return seen


def _ask(session: Session, url: str, query: str, now: float) -> Vector:
    asked: dict[str, str | float] = {"query": query, "time": now}
    try:
        answer = session.get(
            f"{url.rstrip('/')}/api/v1/query",
            params=asked,
            timeout=_TIMEOUT_S,
            verify=session.verify,  # or REQUESTS_CA_BUNDLE of the environment goes before it
        )
        answer.raise_for_status()
        return vector(answer.json())
    except Refused as error:  # a secret that cannot be read
        raise Trouble(f"{error}.") from error
    except (RequestException, AnswerTooLong, ValueError) as error:
        told = f"the answer is over {LONGEST >> 20} MiB" if isinstance(error, AnswerTooLong) else error
        raise Trouble(f"{url} does not answer {query}: {told}; are URL and credentials right?") from error


def _pairs(source: Source, answer: Vector) -> Iterator[tuple[tuple[str, str], float]]:
    for labels, value in answer:
        if float(value) > 0:
            yield (labels.get(source.client, ""), labels.get(source.server, "")), float(value)


def _histograms(source: Source, answer: Vector) -> dict[str, dict[float, float]]:
    found: dict[str, dict[float, float]] = {}
    for labels, value in answer:
        edge = float(labels.get("le", "inf")) * source.unit_ms
        found.setdefault(labels.get(source.server, ""), {})[edge] = float(value)
    return found
