"""`devperfops profile` as somebody at a terminal sees it, before Prometheus has told anything."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["profile", *map(str, arguments)])


class Asked(BaseHTTPRequestHandler):
    """A Prometheus that knows no series. `seen`: the headers of its latest request."""

    seen: dict[str, str]

    def do_GET(self) -> None:
        Asked.seen = dict(self.headers)
        body = b'{"status": "success", "data": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is for failures."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_credentials_and_headers_go_to_prometheus(url: str, tmp_path: Path) -> None:
    password, token = tmp_path / "password", tmp_path / "token"
    password.write_text("p&ss\n")
    token.write_text("abc\n")
    result = run(url, "--user", "ann", "--password-file", password, "--header", "X-Scope-OrgID=shop")
    assert "none of the counters looked for is there" in result.stderr
    assert Asked.seen["Authorization"] == f"Basic {base64.b64encode(b'ann:p&ss').decode()}"
    assert Asked.seen["X-Scope-OrgID"] == "shop"
    run(url, "--token-file", token)
    assert Asked.seen["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nobody says where the traffic is counted"),
        (["localhost:9090"], 'PROMETHEUS-URL: "localhost:9090" is not an address'),
        (["http://127.0.0.1:1", "--user", "ann"], "--user and --password-file belong together"),
        (["http://127.0.0.1:1", "--header", "tenant"], '--header: "tenant" is not NAME=VALUE'),
        (["http://127.0.0.1:1", "--header", "Authorization=x"], "--header: Authorization holds a secret"),
        (["http://127.0.0.1:1", "--time-zone", "Berlin"], '--time-zone: "Berlin" is not known here'),
        (["http://127.0.0.1:1", "--requests", "calls_total"], "--by: no label of calls_total is known"),
    ],
)
def test_what_cannot_be_used_is_told_with_what_to_write(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_file_of_seasons_is_checked_before_prometheus_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "seasons.yaml"
    file.write_text("seasons:\n- {name: sale, from: 11-20}\n")
    result = run("http://127.0.0.1:1", "--seasons", file)
    assert result.exit_code == 2
    assert "seasons.yaml:2: seasons[0].to: is missing" in result.stderr
