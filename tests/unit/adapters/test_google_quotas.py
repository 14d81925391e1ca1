"""Google's quota APIs, by Google's own client with a service account's key, at a server of the documented form."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from devperfops_operator.cli.app import app

LEDGER = "ledger.googleapis.com"
READS = f"{LEDGER}/read_calls"


def bucket(effective: int | None, **more: Any) -> dict[str, Any]:
    """64 bits as a text; a 0 is left out."""
    return {
        **({} if effective is None else {"effectiveLimit": str(effective)}),
        "defaultLimit": "100",
        **more,
    }


def metric(*buckets: dict[str, Any], name: str = READS, unit: str = "1/min/{project}") -> dict[str, Any]:
    limit = {
        "name": f"opaque/{name}",
        "metric": name,
        "unit": unit,
        "isPrecise": True,
        "quotaBuckets": list(buckets),
    }
    return {
        "name": "opaque",
        "metric": name,
        "displayName": name,
        "unit": "1",
        "consumerQuotaLimits": [limit],
    }


class Google:
    """Quota by the path of the request; pages of one metric. `asked`: all that came."""

    def __init__(self) -> None:
        self.quota: dict[str, list[dict[str, Any]]] = {}
        self.enabled: list[str] = []
        self.refused: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    def consumer(self, project: str, *metrics: dict[str, Any], service: str = LEDGER) -> None:
        self.quota[f"/v1beta1/projects/{project}/services/{service}/consumerQuotaMetrics"] = list(metrics)

    def producer(self, project: str, *metrics: dict[str, Any], service: str = LEDGER) -> None:
        self.quota[f"/v1beta1/services/{service}/projects/{project}/consumerQuotaMetrics"] = list(metrics)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        self.asked.append((path, query))
        for part, (code, message) in self.refused.items():
            if part in path or part in query.get("pageToken", ()):
                return code, {"error": {"code": code, "message": message, "status": "PERMISSION_DENIED"}}
        if path.endswith("/services"):
            return 200, {
                "services": [{"name": f"x/{each}", "config": {"name": each}} for each in self.enabled]
            }
        if path not in self.quota:
            return 404, {"error": {"code": 404, "message": f"{path} not found"}}
        at, metrics = int(query.get("pageToken", ["0"])[0]), self.quota[path]
        page: dict[str, Any] = {"metrics": metrics[at : at + 1]} if metrics else {}
        return 200, {**page, **({"nextPageToken": str(at + 1)} if at + 1 < len(metrics) else {})}


class _Handler(BaseHTTPRequestHandler):
    google: Google

    def do_POST(self) -> None:
        """Of the key's token."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send(200, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})

    def do_GET(self) -> None:
        assert self.headers["Authorization"] == "Bearer t"
        parts = urlsplit(self.path)
        self._send(*self.google.answer(parts.path, parse_qs(parts.query)))

    def _send(self, code: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str) -> Iterator[Google]:
    made = Google()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"google": made}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    account = {
        "type": "service_account",
        "client_email": "ci@shop.iam.gserviceaccount.com",
        "private_key": key,
        "token_uri": f"{url}/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop")
    made.url = url  # type: ignore[attr-defined]
    yield made
    server.shutdown()
    server.server_close()


def check(google: Google, folder: Path, *arguments: str, api: str = "ServiceUsage", **spec: Any) -> Result:
    def environment(name: str) -> dict[str, Any]:
        return {"name": name, "google": {"project": name, "api": api, "endpoint": google.url}}  # type: ignore[attr-defined]

    content = {
        "apiVersion": "devperfops.io/v1alpha1",
        "kind": "QuotaPolicy",
        "metadata": {"name": "january"},
        "spec": {
            "mode": "Enforce",
            "baseline": environment("load-test"),
            "serving": environment("production"),
            "services": [{"name": LEDGER}],
            **spec,
        },
    }
    policy = folder / "policy.yaml"
    policy.write_text(
        yaml.safe_dump({**content, "spec": {k: v for k, v in content["spec"].items() if v is not None}})
    )
    return CliRunner().invoke(app, ["quota", "check", "-f", str(policy), *arguments])


def findings(done: Result) -> list[tuple[str, str | None, str | None, str]]:
    found = json.loads(done.stdout)["findings"]
    return [
        (each["verdict"], each["asked"], each["granted"], str(each["dimensions"].get("region")))
        for each in found
    ]


@pytest.mark.parametrize("api", ["ServiceUsage", "ServiceConsumerManagement"])
def test_both_apis_tell_a_regression_and_where_to_ask(google: Google, tmp_path: Path, api: str) -> None:
    tell = google.consumer if api == "ServiceUsage" else google.producer
    tell("load-test", metric(bucket(2400)))
    tell("production", metric(bucket(1000)))
    done = check(google, tmp_path, api=api)
    assert done.exit_code == 1
    assert "load-test has 2,400/min, production has 1,000/min" in done.stdout
    assert (
        f"-> ask for 2400 of {READS} (1/min/{{project}}) at "
        "https://console.cloud.google.com/iam-admin/quotas?project=production"
    ) in done.stdout
    assert {query["view"][0] for _, query in google.asked} == {"FULL"}
    tell("production", metric(bucket(2400)))
    assert check(google, tmp_path, api=api).exit_code == 0


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (bucket(-1), bucket(100), "Regression"),
        (bucket(-1), bucket(-1), "Pass"),
        (bucket(9_007_199_254_740_993), bucket(9_007_199_254_740_992), "Regression"),
        (bucket(100), bucket(None), "Regression"),
        (bucket(100), bucket(200, rolloutInfo={"defaultLimitOngoingRollout": True}), "Pass"),
        (bucket(101), bucket(200, rolloutInfo={"defaultLimitOngoingRollout": True}), "Regression"),
        (
            bucket(101),
            bucket(
                200,
                rolloutInfo={"defaultLimitOngoingRollout": True},
                producerOverride={"overrideValue": "200"},
            ),
            "Pass",
        ),
    ],
    ids=[
        "unlimited",
        "both unlimited",
        "beyond floats",
        "zero",
        "rollout fits",
        "rollout",
        "rollout and override",
    ],
)
def test_limits_are_read_as_they_are_written(
    google: Google, tmp_path: Path, ours: dict[str, Any], theirs: dict[str, Any], verdict: str
) -> None:
    google.consumer("load-test", metric(ours))
    google.consumer("production", metric(theirs))
    assert [found for found, *_ in findings(check(google, tmp_path, "-o", "json"))] == [verdict]


def test_regions_are_compared_by_their_buckets_and_by_the_default_without_one(
    google: Google, tmp_path: Path
) -> None:
    google.consumer("load-test", metric(bucket(100), bucket(500, dimensions={"region": "eu"})))
    google.consumer("production", metric(bucket(400), bucket(300, dimensions={"region": "us"})))
    assert sorted(findings(check(google, tmp_path, "-o", "json"))) == [
        ("Pass", "100", "300", "us"),
        ("Pass", "100", "400", "None"),
        ("Regression", "500", "400", "eu"),
    ]


def test_all_pages_are_read(google: Google, tmp_path: Path) -> None:
    for project, limit in (("load-test", 2), ("production", 1)):
        google.consumer(project, *(metric(bucket(limit), name=f"{LEDGER}/m{at}") for at in range(5)))
    assert len(findings(check(google, tmp_path, "-o", "json"))) == 5


def test_a_page_that_is_refused_is_an_error_and_nothing_of_the_service_is_compared(
    google: Google, tmp_path: Path
) -> None:
    for project, limit in (("load-test", 2), ("production", 1)):
        google.consumer(project, *(metric(bucket(limit), name=f"{LEDGER}/m{at}") for at in range(3)))
    google.refused["2"] = (403, "Permission denied to read quota")
    done = check(google, tmp_path)
    assert done.exit_code == 2
    assert "Regression" not in done.stdout
    assert "production: 403: Permission denied to read quota" in done.stdout


def test_a_service_that_may_not_be_read_does_not_hide_another(google: Google, tmp_path: Path) -> None:
    google.consumer("load-test", metric(bucket(2)))
    google.consumer("production", metric(bucket(1)))
    done = check(
        google, tmp_path, "-o", "json", services=[{"name": LEDGER}, {"name": "secret.googleapis.com"}]
    )
    assert done.exit_code == 2
    assert [verdict for verdict, *_ in findings(done)] == ["Error", "Error", "Regression"]


def test_without_named_services_all_that_are_enabled_are_compared(google: Google, tmp_path: Path) -> None:
    google.enabled = [LEDGER, "documents.googleapis.com"]
    for project in ("load-test", "production"):
        google.consumer(project, metric(bucket(1)))
        google.consumer(
            project, metric(bucket(1), name="documents.googleapis.com/x"), service="documents.googleapis.com"
        )
    assert len(findings(check(google, tmp_path, "-o", "json", services=None))) == 2
    done = check(google, tmp_path, api="ServiceConsumerManagement", services=None)
    assert done.exit_code == 2
    assert "services is needed with aws, azure, CloudQuotas and ServiceConsumerManagement" in done.stderr


def test_a_unit_that_is_not_known_is_an_error(google: Google, tmp_path: Path) -> None:
    for project in ("load-test", "production"):
        google.consumer(project, metric(bucket(1), unit="1 per moon"))
    done = check(google, tmp_path)
    assert done.exit_code == 2
    assert '"1 per moon" is not a unit' in done.stdout


def test_without_credentials_it_says_how_to_get_some(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    done = check(google, tmp_path)
    assert done.exit_code == 2
    assert "run gcloud auth application-default login" in done.stdout


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    environments = {role: {"name": role, "google": {"project": role}} for role in ("baseline", "serving")}
    content = {"apiVersion": "devperfops.io/v1alpha1", "kind": "QuotaPolicy", "metadata": {"name": "a"}}
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump({**content, "spec": environments}))
    program = (
        "import sys; sys.modules['googleapiclient'] = None\n"
        "from devperfops_operator.cli import main; sys.argv = sys.argv[:1] + ['quota', 'check', '-f', *sys.argv[1:]]\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(policy)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "googleapiclient: pip install 'devperfops-operator[google]'." in done.stderr
