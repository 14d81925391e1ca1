"""Servers that want to know who asks: a real Prometheus with TLS and basic auth, and one behind a strict proxy."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from click.testing import CliRunner

from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.api.settings import BasicAuth, PrometheusServer
from devperfops_operator.cli.app import app
from devperfops_operator.cli.errors import ExitCode
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable
from hack.cluster import pki
from hack.kube import wait_for
from tests.integration.monitoring import prometheus

pytestmark = pytest.mark.integration

HASHES = {  # by bcrypt, which is what Prometheus wants
    "sesame-1": "$2b$04$abcdefghijklmnopqrstuu.MCV3MkCp4jzEWrw0qruDjY7IB7MIoS",
    "sesame-2": "$2b$04$abcdefghijklmnopqrstuukWGJmo0QeggxniA3okYZkuhDmjSMLhC",
}
TOKEN, TENANT = "sesame-token", "shop"


async def ask(server: PrometheusServer) -> float:
    """What it says to `vector(7)`."""
    now = datetime.now(UTC)
    step = server.scrape_interval
    ((_, value),) = (await PrometheusMetrics({"m": server}, 5).gauge("m", "vector(7)", now, now, step))[
        0
    ].samples
    return value


@dataclass
class Guarded:
    """A Prometheus with TLS of an authority of its own, and basic auth."""

    url: str
    ca: Path
    web_config: Path
    certificates: pki.Pki
    password: Path

    def want(self, password: str) -> None:
        """From now on; Prometheus reads it for each request, too."""
        certificate, key = (getattr(self.certificates, kind)("prometheus") for kind in ("certificate", "key"))
        self.web_config.write_text(
            f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n"
            f"basic_auth_users: {{operator: '{HASHES[password]}'}}\n"
        )

    def settings(self) -> PrometheusServer:
        basic = BasicAuth(username="operator", password_file=self.password)
        return PrometheusServer(url=self.url, basic_auth=basic, ca_file=self.ca)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    certificate = pki.Certificate("prometheus", "/CN=prometheus", "serverAuth", ("IP:127.0.0.1",))
    made = pki.ensure(folder, ["ca"], [certificate])
    guarded = Guarded("", made.ca, folder / "web.yml", made, folder / "password")
    guarded.want("sesame-1")
    with prometheus(folder, 1, f"--web.config.file={guarded.web_config}") as url:
        guarded.url = url.replace("http:", "https:")
        trusted = ssl.create_default_context(cafile=str(made.ca))
        wait_for("Prometheus", lambda: answers(f"{guarded.url}/-/ready", trusted), seconds=30, interval=0.2)
        yield guarded


def answers(url: str, trusted: ssl.SSLContext) -> bool:
    try:
        response = httpx.get(url, verify=trusted, auth=("operator", "sesame-1"))
    except httpx.TransportError:
        return False
    return response.status_code == httpx.codes.OK


@pytest.fixture
def guarded(running: Guarded) -> Guarded:
    running.want("sesame-1")
    running.password.write_text("sesame-1\n")
    return running


async def refusal(server: PrometheusServer, kind: type[DevPerfOpsError]) -> str:
    with pytest.raises(kind) as refused:
        await ask(server)
    return str(refused.value)


async def test_a_server_with_basic_auth_and_a_ca_of_its_own_answers(guarded: Guarded) -> None:
    assert await ask(guarded.settings()) == 7


async def test_a_new_password_is_used_without_a_restart(guarded: Guarded) -> None:
    server = guarded.settings()
    metrics, now = PrometheusMetrics({"m": server}, 5), datetime.now(UTC)
    await metrics.gauge("m", "vector(7)", now, now, server.scrape_interval)

    guarded.want("sesame-2")
    with pytest.raises(Unavailable, match="lets nobody in who asks like this"):
        await metrics.gauge("m", "vector(7)", now, now, server.scrape_interval)
    guarded.password.write_text("sesame-2")

    assert await metrics.gauge("m", "vector(7)", now, now, server.scrape_interval)


async def test_a_wrong_password_is_told_without_it(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    guarded.password.write_text("s3cret")

    message = await refusal(guarded.settings(), Unavailable)

    assert message == (
        "Prometheus m lets nobody in who asks like this (HTTP 401); check the token, user and "
        "headers: prometheus.m in the operator's settings, or the options of the command"
    )
    assert "s3cret" not in caplog.text


async def test_a_password_file_that_is_not_there_is_told_by_its_name(guarded: Guarded) -> None:
    guarded.password.unlink()

    message = await refusal(guarded.settings(), Refused)

    assert message == f"cannot read {guarded.password}: No such file or directory; mount the Secret there"


async def test_a_server_nobody_vouches_for_is_not_believed(guarded: Guarded) -> None:
    stranger = guarded.settings().model_copy(update={"ca_file": None})

    message = await refusal(stranger, Unavailable)

    assert "certificate verify failed" in message
    assert "caFile" in message


async def test_a_ca_file_that_is_not_there_is_told_by_its_name(guarded: Guarded, tmp_path: Path) -> None:
    missing = guarded.settings().model_copy(update={"ca_file": tmp_path / "ca.crt"})

    assert str(tmp_path / "ca.crt") in await refusal(missing, Unavailable)


@dataclass
class Proxy:
    """Lets only the bearer of the token through, and only for one tenant; like those in front of shared servers."""

    url: str
    token: Path
    headers: dict[str, str] = field(default_factory=lambda: {"X-Scope-OrgID": TENANT})

    def settings(self) -> PrometheusServer:
        return PrometheusServer(url=self.url, token_file=self.token, headers=self.headers)


@contextmanager
def strict(upstream: str) -> Iterator[str]:
    class Gate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return self._answer(401, f"wrong: {self.headers['Authorization']}".encode())
            if self.headers["X-Scope-OrgID"] != TENANT:
                return self._answer(403, b"no such tenant")
            response = httpx.get(f"{upstream}{self.path}")
            return self._answer(response.status_code, response.content)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def proxy(guarded_upstream: str, tmp_path: Path) -> Iterator[Proxy]:
    with strict(guarded_upstream) as url:
        token = tmp_path / "token"
        token.write_text(f"{TOKEN}\n")
        yield Proxy(url, token)


@pytest.fixture(scope="module")
def guarded_upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus that only the proxy speaks with."""
    with prometheus(tmp_path_factory.mktemp("upstream"), 1) as url:
        trusted = ssl.create_default_context()
        wait_for("Prometheus", lambda: answers(f"{url}/-/ready", trusted), seconds=30, interval=0.2)
        yield url


async def test_a_bearer_token_and_a_tenant_open_a_shared_server(proxy: Proxy) -> None:
    assert await ask(proxy.settings()) == 7


async def test_a_wrong_token_is_told_without_it_even_if_the_server_repeats_it(proxy: Proxy) -> None:
    proxy.token.write_text("s3cret")

    message = await refusal(proxy.settings(), Unavailable)

    assert "lets nobody in who asks like this (HTTP 401)" in message
    assert "s3cret" not in message


async def test_another_tenant_is_not_let_in(proxy: Proxy) -> None:
    proxy.headers = {"X-Scope-OrgID": "other"}

    assert "check the token, user and headers: prometheus.m" in await refusal(proxy.settings(), Unavailable)


@pytest.mark.parametrize("content", ["s3cret\nX-Evil: yes", "two s3cret words", "s3cret\u00e9"])
async def test_a_file_that_holds_more_than_a_token_is_refused_without_telling_it(
    proxy: Proxy, content: str
) -> None:
    proxy.token.write_text(content)

    message = await refusal(proxy.settings(), Refused)

    assert message == f"{proxy.token} holds more than a token; put only the token into the Secret"


def discover(guarded: Guarded, *arguments: str) -> str:
    """What `devperfops slo discover` says of a server that counts no calls."""
    asked = ("slo", "discover", "--prometheus", guarded.url, "--sla", "p99 < 1s", *arguments)
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == ExitCode.ERROR, done.output
    return done.stderr


def test_a_graph_is_discovered_behind_a_password(guarded: Guarded) -> None:
    named = ("--user", "operator", "--password-file", str(guarded.password), "--ca-file", str(guarded.ca))
    assert "counts no calls" in discover(guarded, *named)
    assert "401" in discover(guarded, "--ca-file", str(guarded.ca))
    assert "certificate" in discover(guarded, *named[:4])
    assert "belong together" in discover(guarded, "--user", "operator")
    guarded.password.write_text("s3cret")
    wrong = discover(guarded, *named)
    assert "401" in wrong
    assert "s3cret" not in wrong
    guarded.password.write_text("")
    assert str(guarded.password) in discover(guarded, *named)
