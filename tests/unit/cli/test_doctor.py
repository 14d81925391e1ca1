"""What `doctor` makes of Prometheus' answers; who asks is tested on a real API server."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.settings import ImageSettings, PrometheusServer, Settings
from devperfops_operator.cli.doctor.gates import prometheus
from tests import api_cases

BUCKETS = "latency_seconds_bucket"
SETTINGS = Settings(
    operator_url="http://operator.test",
    images=ImageSettings(operator="operator", jmeter="jmeter"),
    prometheus={"monitoring": PrometheusServer(url="http://prometheus.monitoring.svc:9090")},
)


class Answer:
    def __init__(self, result: list[Any]) -> None:
        self.body = {"data": {"result": result}}


class Says:
    """A cluster with one gate, in which something else answers in the place of Prometheus."""

    namespace = "shop"

    def __init__(self, body: Any) -> None:
        self._body = body

    def find_all(self, _kind: object) -> list[PerfGate]:
        return OneGate([]).find_all(None)

    def ask(self, _method: str, _path: str) -> Answer:
        answer = Answer([])
        answer.body = self._body
        return answer


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "a text",
        {},
        {"data": None},
        {"data": {"result": None}},
        {"data": {"result": {"a": "b"}}},
        {"data": {"result": ["series"]}},
        {"data": {"result": [{"metric": {}, "value": []}]}},
        {"data": {"result": [{"metric": ["le"], "value": [0, "1"]}]}},
        {"data": {"result": [{"metric": {"le": 2}, "value": [0, "1"]}]}},
        {"data": {"result": [{"metric": {}, "histogram": [0, {}]}]}},
    ],
)
def test_what_is_no_answer_of_prometheus_is_found_and_stops_nothing(body: Any) -> None:
    (check,) = prometheus(Says(body), SETTINGS)  # type: ignore[arg-type]
    assert (check.state, check.about) == ("unknown", "Prometheus of front-end")
    assert "its answer is not Prometheus'" in check.found


class OneGate:
    """A cluster with one gate, whose Prometheus has a histogram with these edges."""

    namespace = "shop"

    def __init__(self, edges: list[str]) -> None:
        self._edges = edges

    def find_all(self, _kind: object) -> list[PerfGate]:
        changes = {"spec.objectives.0.histogram": BUCKETS, "spec.prometheus": "monitoring"}
        raw = api_cases.gate(changes)
        return [PerfGate.from_json({**raw, "metadata": {"name": "front-end", "namespace": "shop"}})]

    def ask(self, _method: str, path: str) -> Answer:
        assert path.startswith(
            "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query?"
        )
        match unquote(path.partition("query=")[2]):
            case query if query == f"count({BUCKETS})":
                return Answer([{"metric": {}, "value": [0, str(len(self._edges))]}] if self._edges else [])
            case query if query == f"group by (le) ({BUCKETS})":
                return Answer([{"metric": {"le": edge}, "value": [0, "1"]} for edge in self._edges])
            case query:
                raise AssertionError(query)


@pytest.mark.parametrize(
    ("edges", "states", "last"),
    [
        (["0.5", "2.0", "+Inf"], ["ok", "ok"], "has a bucket that ends at the limit"),
        (["0.5", "2.5", "+Inf"], ["ok", "problem"], "the nearest are 500ms and 2.5s"),
        ([], ["problem"], "selects nothing"),
    ],
)
def test_a_histogram_without_the_edge_is_found_before_any_release(
    edges: list[str], states: list[str], last: str
) -> None:
    checks = list(prometheus(OneGate(edges), SETTINGS))  # type: ignore[arg-type]
    assert [check.state for check in checks] == states
    assert last in checks[-1].found
