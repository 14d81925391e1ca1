"""A server on this machine that answers as a cloud's API does; and policies that compare by it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def content(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    code: int
    content: Any
    headers: Mapping[str, str] | None = None


@contextmanager
def serving(answer: Callable[[Request], Answer], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = answer(Request(self.command, self.path, headers, body))
            text = told.content if isinstance(told.content, bytes) else json.dumps(told.content).encode()
            self.send_response(told.code)
            for name, value in {"Content-Type": "application/json", **(told.headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815  the base class calls them so

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def check(folder: Path, environments: Mapping[str, Any], *arguments: str, **spec: Any) -> Result:
    """`environments`: baseline and serving, which are called load-test and production."""
    named = zip(("load-test", "production"), environments.items(), strict=True)
    told = {role: {"name": name, **environment} for name, (role, environment) in named}
    content = {
        "apiVersion": "devperfops.io/v1alpha1",
        "kind": "QuotaPolicy",
        "metadata": {"name": "january"},
        "spec": {"mode": "Enforce", **told, **spec},
    }
    policy = folder / "policy.yaml"
    policy.write_text(yaml.safe_dump(content))
    return CliRunner().invoke(app, ["quota", "check", "-f", str(policy), *arguments])


def findings(done: Result) -> list[tuple[str, str, str | None, str | None]]:
    """Of `-o json`: verdict, metric, asked, granted."""
    found = json.loads(done.stdout)["findings"]
    return [(each["verdict"], each["metric"], each["asked"], each["granted"]) for each in found]
