"""The operator as a process of its own, against a real API server: it gets ready, knows load pods by their
tokens, and ends when told."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from devperfops_operator.wire.brief import TOKEN_AUDIENCE
from devperfops_operator.wire.measurement import start_path
from hack.kube import Kube, kubectl, wait_for

ACCOUNT = "default"


@dataclass(frozen=True)
class Operator:
    process: subprocess.Popen[str]
    client: httpx.Client


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def operator(api_server: Path, namespace: str, port: int, tmp_path: Path) -> Iterator[Operator]:
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"operatorUrl: http://127.0.0.1:{port}\nport: {port}\nnamespaces: [{namespace}]\n"
        "images: {operator: devperfops/operator, jmeter: devperfops/jmeter}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from devperfops_operator.main import main; sys.exit(main())"],
        env={**os.environ, "KUBECONFIG": str(api_server), "DEVPERFOPS_CONFIG": str(settings)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_for("the operator is ready", lambda: _is_ready(client), seconds=30)
            yield Operator(process, client)
    finally:
        process.kill()
        process.communicate()


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told(operator, told):
    operator.process.send_signal(told)
    output, _ = operator.process.communicate(timeout=20)

    lines = [json.loads(line) for line in output.splitlines()]
    assert operator.process.returncode == 0, output
    assert lines[-1]["message"] == "ended as told"
    assert [line for line in lines if line["level"] in {"error", "critical"}] == []


def test_it_shows_its_metrics(operator):
    text = operator.client.get("/metrics").text

    for name in (
        "devperfops_queue_length",
        "devperfops_http_requests_total",
        "process_resident_memory_bytes",
    ):
        assert f"\n{name}" in text


def test_a_load_pods_token_opens_its_own_run_only(operator, kube, namespace):
    token = bound_token(kube, namespace, pod="nightly-1-0-x7k2p")

    def ask(run: str, token: str, *, of: str = namespace) -> int:
        return operator.client.post(
            start_path(of, run, 0), json={}, headers={"Authorization": f"Bearer {token}"}
        ).status_code

    assert ask("nightly-1", token) == HTTPStatus.GONE  # known, but there is no such run
    assert ask("nightly-2", token) == HTTPStatus.FORBIDDEN
    assert ask("nightly-1", token, of="elsewhere") == HTTPStatus.FORBIDDEN
    assert ask("nightly-1", token[:-8] + "AAAAAAAA") == HTTPStatus.UNAUTHORIZED
    assert ask("nightly-1", kube.token(ACCOUNT, namespace)) == HTTPStatus.UNAUTHORIZED  # another audience


def bound_token(kube: Kube, namespace: str, *, pod: str) -> str:
    """As the kubelet projects it into a load pod."""
    place = {"namespace": namespace}
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, **place}})
    spec = {"serviceAccountName": ACCOUNT, "containers": [{"name": "agent", "image": "agent"}]}
    created = kube.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, **place}, "spec": spec}
    )
    argv = [
        *(kubectl(), "--kubeconfig", str(kube.kubeconfig), "create", "token", ACCOUNT, "-n", namespace),
        *("--audience", TOKEN_AUDIENCE, "--bound-object-kind", "Pod"),
        *("--bound-object-name", pod, "--bound-object-uid", created["metadata"]["uid"]),
    ]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
