"""Model recovery: known traffic of three weeks, kept by a real Prometheus, is found again by `devperfops profile`."""

from __future__ import annotations

import gzip
import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from devperfops_operator.cli.commands import profile as command
from hack.kube import Kube, wait_for
from tests.api_cases import gate
from tests.integration.monitoring import free_port, prometheus

pytestmark = pytest.mark.integration

STEP = 300
HOUR = 3600
WEEKS = 3
GROWTH = 1.05
MIX = {("GET", "/"): 5.0, ("GET", "/catalogue/{id}"): 3.0, ("POST", "/orders"): 0.7, ("GET", "/reports"): 0.2}
MEAN_S = {
    ("GET", "/"): 0.02,
    ("GET", "/catalogue/{id}"): 0.05,
    ("POST", "/orders"): 0.4,
    ("GET", "/reports"): 2.0,
}
PAST = """
- job_name: past
  scrape_interval: 1m
  scrape_timeout: 1m
  metrics_path: /past
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@dataclass
class Past:
    """Counters of two pods that restart at times, and what they have counted by hour.

    Besides users there are probes and a load tool. `hours`: requests by hour since 1970 and endpoint.
    """

    until: int = field(default_factory=lambda: int(time.time()) // HOUR * HOUR)
    hours: defaultdict[int, defaultdict[tuple[str, str], float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def lines(self) -> Iterator[str]:
        chance = random.Random(7)
        for pod in ("a", "b"):
            for (method, route), weight in MIX.items():
                yield from self._lines(chance, pod, method, route, weight)
            for moment, total in self._steady(40.0):
                labels = f'pod="{pod}",http_request_method="GET",http_route="/healthz"'
                yield f"{COUNT}{{{labels}}} {total} {moment * 1000}"
            for moment, total in self._steady(25.0):
                labels = f'pod="{pod}",http_request_method="GET",http_route="/",user_agent="k6"'
                yield f"{COUNT}{{{labels}}} {total} {moment * 1000}"
                yield f"{SUM}{{{labels}}} {total * 9} {moment * 1000}"
            for moment in self._moments():
                yield f'{ACTIVE}{{pod="{pod}"}} 3 {moment * 1000}'
        for number, moment in enumerate(self._moments()[-12 * 30 :]):
            for line in (line for lines in OTHERS.values() for line in lines):
                yield f"{line % (3 * STEP * number)} {moment * 1000}"
        for moment, total in self._steady(1.0):
            labels = 'reporter="destination",destination_canonical_service="shop"'
            yield f"istio_requests_total{{{labels}}} {total} {moment * 1000}"

    def _lines(
        self, chance: random.Random, pod: str, method: str, route: str, weight: float
    ) -> Iterator[str]:
        labels = f'pod="{pod}",http_request_method="{method}",http_route="{route}"'
        count = busy = 0.0
        for moment in self._moments():
            if chance.random() < 1 / 400:  # the pod is a new one
                count = busy = 0.0
            came = (
                weight / 2 * shape(moment, route) * GROWTH ** ((moment - self.until) / (7 * 24 * HOUR)) * STEP
            )
            count += came
            busy += came * MEAN_S[method, route]
            self.hours[(moment - 1) // HOUR][method, route] += came
            yield f"{COUNT}{{{labels}}} {count:.6f} {moment * 1000}"
            yield f"{SUM}{{{labels}}} {busy:.6f} {moment * 1000}"

    def _moments(self) -> range:
        return range(self.until - WEEKS * 7 * 24 * HOUR + STEP, self.until + 1, STEP)

    def _steady(self, rate: float) -> Iterator[tuple[int, float]]:
        return ((moment, rate * STEP * number) for number, moment in enumerate(self._moments()))


COUNT = "http_server_request_duration_seconds_count"
ACTIVE = "http_server_active_requests"
SUM = "http_server_request_duration_seconds_sum"


OTHERS = {
    "old": (
        'http_server_duration_milliseconds_count{app="old",http_method="GET",http_route="/a"} %d',
        'http_server_duration_milliseconds_sum{app="old",http_method="GET",http_route="/a"} %d0',
    ),
    "generic": (
        'http_requests_total{app="generic",method="GET",handler="/a",code="200"} %d',
        'http_request_duration_seconds_count{app="generic",method="GET",handler="/a"} %d',
        'http_request_duration_seconds_sum{app="generic",method="GET",handler="/a"} %de-2',
    ),
    "sock-shop": (
        'request_duration_seconds_count{app="sock-shop",method="GET",route="/a",status_code="200"} %d',
        'request_duration_seconds_sum{app="sock-shop",method="GET",route="/a",status_code="200"} %de-2',
    ),
    "nginx": (
        'nginx_ingress_controller_requests{app="nginx",method="GET",path="/a",status="200"} %d',
        'nginx_ingress_controller_request_duration_seconds_count{app="nginx",method="GET",path="/a"} %d',
        'nginx_ingress_controller_request_duration_seconds_sum{app="nginx",method="GET",path="/a"} %de-2',
    ),
    "istio": (
        'istio_requests_total{app="istio",reporter="source",destination_canonical_service="a"} %d',
        'istio_requests_total{app="istio",reporter="destination",destination_canonical_service="a"} %d',
        'istio_request_duration_milliseconds_count{app="istio",reporter="destination",destination_canonical_service="a"} %d',
        'istio_request_duration_milliseconds_sum{app="istio",reporter="destination",destination_canonical_service="a"} %d0',
    ),
}
"""Three requests a second of 10 ms."""


def shape(moment: int, route: str) -> float:
    """Busy days and quiet nights; on Tuesday evenings a rush of orders; reports on Mondays."""
    at = datetime.fromtimestamp(moment - 1, UTC)
    day = 1 + 0.8 * math.sin(2 * math.pi * (at.hour - 9) / 24)
    rush = 2.5 if (at.weekday(), at.hour) == (1, 20) else 1.0
    if route == "/orders":
        return day * rush * rush
    if rush > 1 and 20 <= at.minute < 30:
        rush *= 2
    return day * rush * (5.0 if route == "/reports" and at.weekday() == 0 else 1.0)


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


@pytest.fixture(scope="module", autouse=True)
def steady_hour(past: Past) -> Iterator[None]:
    """The command looks back from the same full hour, whenever it is asked."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromtimestamp(past.until + 60, tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "datetime", Clock)
        yield


@pytest.fixture(scope="module")
def url(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Prometheus that has scraped the past."""
    text = ("\n".join(past.lines()) + "\n").encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text if self.path == "/past" else b"up_to_date 1\n")

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus(folder, port, jobs=PAST.format(port=port)) as url:
            wait_for("the past is there", lambda: told(url, past.until), seconds=120)
            yield url
        server.shutdown()
        thread.join()


def told(url: str, moment: int) -> bool:
    """A scrape is stored whole or not at all."""
    asked = {"query": "istio_requests_total", "time": moment}
    try:
        answer = httpx.get(f"{url}/api/v1/query", params=asked)
    except httpx.HTTPError:
        return False
    return bool(answer.json().get("data", {}).get("result"))


def profile(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["profile", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(url: str) -> Result:
    done = profile(url, "--weeks", WEEKS, "--exclude", 'user_agent="k6"', "-o", "yaml")
    assert done.exit_code == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def spec(made: Result) -> dict[str, Any]:
    return yaml.safe_load(made.stdout)["spec"]


def distance(one: dict[tuple[str, str], float], other: dict[tuple[str, str], float]) -> float:
    whole, all_ = sum(one.values()), sum(other.values())
    return sum(abs(one.get(k, 0) / whole - other.get(k, 0) / all_) for k in one.keys() | other.keys()) / 2


def test_rates_and_mix_of_the_whole_time_are_found_again(spec: dict[str, Any], past: Past) -> None:
    played: defaultdict[tuple[str, str], float] = defaultdict(float)
    for counts in past.hours.values():
        for endpoint, count in counts.items():
            played[endpoint] += count
    seconds = len(past.hours) * HOUR
    found = {(each["method"], each["route"]): each["usual"]["rate"] for each in spec["endpoints"]}
    assert found.keys() == played.keys()
    for endpoint, count in played.items():
        assert found[endpoint] == pytest.approx(count / seconds, rel=0.05)
    assert distance(found, played) <= 0.02
    assert spec["data"]["known"] == len(past.hours)


def test_the_busiest_hour_its_rate_and_its_mix_are_found_again(spec: dict[str, Any], past: Past) -> None:
    rush = [counts for hour, counts in past.hours.items() if (hour // 24 % 7, hour % 24) == (5, 20)]
    rates = sorted(sum(counts.values()) / HOUR for counts in rush)
    peak = spec["peak"]
    assert (peak["day"], peak["hour"], peak["weeks"]) == ("Tue", 20, len(rush))
    assert peak["rate"] == pytest.approx(rates[len(rates) // 2], rel=0.05)
    assert (peak["least"], peak["most"]) == pytest.approx((rates[0], rates[-1]), rel=0.05)
    found = {(each["method"], each["route"]): each["peak"]["rate"] for each in spec["endpoints"]}
    assert distance(found, rush[1]) <= 0.02


def test_times_requests_in_flight_and_growth_are_found_again(spec: dict[str, Any]) -> None:
    for each in spec["endpoints"]:
        mean = MEAN_S[each["method"], each["route"]]
        assert each["usual"]["meanMs"] == pytest.approx(mean * 1000, rel=0.01)
        assert each["peak"]["concurrency"] == pytest.approx(each["peak"]["rate"] * mean, rel=0.01)
    assert spec["growth"]["perWeek"] == pytest.approx(GROWTH, rel=0.01)


def test_the_busiest_minutes_and_the_services_own_gauge_are_told(spec: dict[str, Any]) -> None:
    assert 1.5 < spec["peak"]["burst"] < 1.8, "twice for most of it, against an hour that has it, too"
    assert spec["peak"]["inFlight"] == pytest.approx(6)


def test_probes_and_our_own_load_are_left_out_and_told(spec: dict[str, Any]) -> None:
    excluded = {each["what"]: each["rate"] for each in spec["origin"]["excluded"]}
    assert excluded["GET /healthz"] == pytest.approx(80, rel=0.02)
    assert excluded['user_agent="k6"'] == pytest.approx(50, rel=0.02)


def test_it_is_said_which_counter_was_taken_and_the_file_is_sound(made: Result, tmp_path: Path) -> None:
    assert "(OpenTelemetry) is there" in made.stderr
    assert "it goes before " in made.stderr
    assert "istio_requests_total" in made.stderr
    file = tmp_path / "profile.yaml"
    file.write_text(made.stdout)
    checked = CliRunner().invoke(app, ["lint", str(file)])
    assert checked.exit_code == 0, checked.stdout


@pytest.mark.parametrize(
    ("label", "names", "endpoint"),
    [
        ("old", "OpenTelemetry before 1.20", "GET /a"),
        ("generic", "generic", "GET /a"),
        ("sock-shop", "sock-shop", "GET /a"),
        ("nginx", "ingress-nginx", "GET /a"),
        ("istio", "Istio", "a"),
    ],
)
def test_other_names_of_metrics_are_found_out(url: str, label: str, names: str, endpoint: str) -> None:
    done = profile(url, "--weeks", 1, "--match", f'app="{label}"', "-o", "yaml")
    assert done.exit_code == 0, done.stderr
    found = yaml.safe_load(done.stdout)["spec"]
    (each,) = found["endpoints"]
    assert found["origin"]["names"] == names
    assert f"{each['method']} {each['route']}".strip() == endpoint
    assert each["peak"]["rate"] == pytest.approx(3, rel=0.01)
    assert each["usual"]["meanMs"] == pytest.approx(10, rel=0.01)
    assert "thin: " in done.stderr


def test_an_access_log_adds_sessions_and_think_times(url: str, tmp_path: Path) -> None:
    """Each user: the front page, after 4 s an article; every other one another article, after 2 s."""
    log = tmp_path / "access.log.gz"
    lines = ["not a line"]
    for user in range(200):
        paths = ["/", "/logo.png", f"/catalogue/{user}", *(["/catalogue/1"] if user % 2 else [])]
        for seconds, path in zip((0, 0, 4, 6), paths, strict=False):
            clock = f"01/Jun/2026:12:{user // 10:02}:{user % 10 + seconds:02} +0000"
            lines.append(f'192.0.2.{user} - - [{clock}] "GET {path} HTTP/1.1" 200 10 "-" "agent"')
    log.write_bytes(gzip.compress("\n".join(lines).encode()))
    done = profile(url, "--weeks", 1, "--access-log", log, "-o", "yaml")
    assert done.exit_code == 0, done.stderr
    sessions = yaml.safe_load(done.stdout)["spec"]["sessions"]
    assert (sessions["sessions"], sessions["unread"], sessions["outside"]) == (200, 1, 200)
    assert (sessions["requests"], sessions["seconds"]) == (2.5, 5)
    article, front = sessions["after"]
    assert front["next"] == [{"endpoint": "GET /catalogue/{id}", "share": 1, "count": 200, "thinkMs": 4000}]
    assert article["ends"] == pytest.approx(2 / 3, rel=1e-3)
    assert "200 sessions of 2.5 requests" in profile(url, "--weeks", 1, "--access-log", log).stdout

    log.with_suffix("").write_text("nothing\n")
    wrong = profile(url, "--weeks", 1, "--access-log", log.with_suffix(""))
    assert "none of 1 lines can be read; formats are common, combined" in wrong.stderr


def test_the_table_says_it_for_people(url: str) -> None:
    done = profile(url, "--weeks", 1)
    assert done.exit_code == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert any(line.startswith("Peak ") and "requests/s on Tue 20:00 UTC" in line for line in lines)
    assert any(line.startswith("GET /catalogue/{id} ") for line in lines)
    assert any(line.startswith("GET /healthz 80 ") for line in lines)


def test_more_weeks_than_there_are_leave_no_gap(url: str) -> None:
    done = profile(url, "--weeks", 5, "-o", "json")
    assert done.exit_code == 0
    assert '"gaps": 0.0' in done.stdout


def test_a_gate_brings_its_counter_labels_and_weeks(
    url: str, kube: Kube, api_server: Path, namespace: str
) -> None:
    coverage = {"traffic": f'{COUNT}{{pod="a"}}', "by": ["http_request_method", "http_route"], "weeks": 1}
    covered = gate({"metadata.namespace": namespace, "spec.prometheus": "shop", "spec.coverage": coverage})
    kube.create(covered)
    kube.create(gate({"metadata.namespace": namespace, "metadata.name": "bare"}))
    cluster = ("--kubeconfig", api_server, "-n", namespace)
    name = covered["metadata"]["name"]

    done = profile(url, "--gate", name, *cluster, "-o", "yaml")
    assert done.exit_code == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    assert found["metadata"]["name"] == name
    assert found["spec"]["data"]["hours"] == 168
    assert found["spec"]["origin"]["requests"] == f'{COUNT}{{pod="a"}}'
    probes = {each["what"]: each["rate"] for each in found["spec"]["origin"]["excluded"]}
    assert probes["GET /healthz"] == pytest.approx(40, rel=0.02)

    assert "has no spec.coverage" in profile(url, "--gate", "bare", *cluster).stderr
    assert "the operator's settings do not tell its address" in profile("--gate", name, *cluster).stderr


def test_a_profile_is_written_where_gates_read_it_unless_it_is_doubted(
    url: str, kube: Kube, api_server: Path, namespace: str
) -> None:
    asked = (url, "--config-map", "traffic", "--kubeconfig", api_server, "-n", namespace)
    byhand = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "traffic", "namespace": namespace},
    }
    kube.create({**byhand, "data": {"overlay.yaml": "exclude: []"}})

    done = profile(*asked, "-o", "yaml")
    assert done.exit_code == 0, done.stderr
    assert f"profile.yaml in ConfigMap traffic in namespace {namespace} is written" in done.stderr
    data = kube.get("ConfigMap", "traffic", namespace)["data"]
    assert data == {"overlay.yaml": "exclude: []", "profile.yaml": done.stdout}

    refused = profile(*asked, "--match", 'app="generic"')  # which is new
    assert refused.exit_code == 2
    assert "was left as it is (--accept-doubts writes this profile all the same)" in refused.stderr
    assert kube.get("ConfigMap", "traffic", namespace)["data"] == data


def test_a_counter_that_is_not_there_and_a_prometheus_that_is_away_are_told(url: str) -> None:
    nothing = profile(url, "--match", 'namespace="elsewhere"')
    assert nothing.exit_code == 2
    assert 'none of the counters looked for is there with namespace="elsewhere"' in nothing.stderr
    empty = profile(url, "--requests", "calls_total", "--by", "route", "--weeks", 1)
    assert "calls_total counts no requests of users" in empty.stderr
    away = profile(f"http://127.0.0.1:{free_port()}")
    assert away.exit_code == 2
    assert "does not answer" in away.stderr
