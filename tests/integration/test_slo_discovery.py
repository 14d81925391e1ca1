"""`devperfops slo discover` against a real Prometheus that scrapes a service graph's counters."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from hack.kube import wait_for
from tests.integration.monitoring import free_port, prometheus

pytestmark = pytest.mark.integration

OTEL = """\
traces_service_graph_request_total{{client="user",server="front"}} {requests}
traces_service_graph_request_total{{client="front",server="cart"}} {half}
traces_service_graph_request_failed_total{{client="front",server="cart"}} {few}
traces_service_graph_request_server_seconds_bucket{{client="front",server="cart",le="0.05"}} {most}
traces_service_graph_request_server_seconds_bucket{{client="front",server="cart",le="+Inf"}} {half}
"""
ISTIO = """\
istio_requests_total{{reporter="destination",source_canonical_service="unknown",\
destination_canonical_service="web",response_code="200"}} {requests}
istio_requests_total{{reporter="destination",source_canonical_service="web",\
destination_canonical_service="shop",response_code="200"}} {requests}
istio_request_duration_milliseconds_bucket{{reporter="destination",destination_canonical_service="shop",le="25"}} {requests}
istio_request_duration_milliseconds_bucket{{reporter="destination",destination_canonical_service="shop",le="+Inf"}} {requests}
"""


class Collector(BaseHTTPRequestHandler):
    """Counters that grow with each scrape."""

    scrapes = 0

    def do_GET(self) -> None:
        Collector.scrapes += 1
        requests = 10_000 * self.scrapes
        counts = {
            "requests": requests,
            "half": requests // 2,
            "few": requests // 1000,
            "most": requests // 2 * 0.99,
        }
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write((OTEL + ISTIO).format(**counts).encode())

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is for failures."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Prometheus that has seen the counters grow."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        with prometheus(tmp_path_factory.mktemp("prometheus"), server.server_address[1]) as url:
            wait_for("counters that grow", lambda: grown(url), seconds=60)
            yield url
        server.shutdown()
        thread.join()


def grown(url: str) -> bool:
    query = "increase(istio_requests_total[1m]) > 0"
    try:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": query}).json()
    except httpx.HTTPError:
        return False
    return len(answer["data"]["result"]) == 2


def discover(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["slo", "discover", "--prometheus", url, "--sla", "p99 < 1s", *arguments])


def test_a_graph_of_opentelemetry_counters_can_be_checked(url: str, tmp_path: Path) -> None:
    done = discover(url, "--window", "1m")
    assert done.exit_code == 0, done.stderr
    spec = yaml.safe_load(done.stdout)["spec"]
    assert spec["roots"] == [{"service": "front", "sla": ["p99 < 1s"]}]
    cart, front = spec["services"]
    assert front["calls"] == [{"to": "cart", "fraction": "50.00%"}]
    assert cart["latency"] == [{"source": "Measured", "expect": "p99 <= 50ms"}]
    assert cart["availability"] == {"source": "Measured", "expect": "good >= 99.8%"}
    file = tmp_path / "graph.yaml"
    file.write_text(done.stdout)
    checked = CliRunner().invoke(app, ["slo", "check", "-f", str(file)])
    assert checked.exit_code == 0
    assert "nothing is promised or measured of front (no figure)" in checked.stdout


def test_istio_counts_calls_in_its_own_way(url: str) -> None:
    spec = yaml.safe_load(discover(url, "--window", "1m", "--from", "istio").stdout)["spec"]
    shop, web = spec["services"]
    assert web["calls"] == [{"to": "shop"}]
    assert shop["latency"] == [{"source": "Measured", "expect": "p99.9999 <= 25ms"}]


def test_a_prometheus_that_is_away_or_counts_nothing_is_told(url: str) -> None:
    away = discover(f"http://127.0.0.1:{free_port()}")
    assert away.exit_code == 2
    assert "does not answer" in away.stderr
    elsewhere = discover(f"{url}/elsewhere")
    assert elsewhere.exit_code == 2
