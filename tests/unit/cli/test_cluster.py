"""What the CLI makes of answers that no API server gives, but what stands before it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from kubernetes.client import ApiClient, Configuration

from devperfops_operator.cli import cluster
from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.errors import Trouble


@contextmanager
def answering(body: bytes) -> Iterator[Cluster]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is for failures."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            settings = Configuration(host=f"http://127.0.0.1:{server.server_address[1]}")
            yield Cluster(ApiClient(settings), "shop")
        finally:
            server.shutdown()
            thread.join()


def test_a_page_of_a_proxy_is_quoted() -> None:
    with answering(b"<html><h1>Please log in</h1></html>") as asked, pytest.raises(Trouble) as trouble:
        asked.ask("GET", "/api/v1/query")
    assert "/api/v1/query at http://127" in trouble.value.message
    assert "answers with no JSON: <html><h1>Please log in" in trouble.value.message


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LONGEST", 1 << 20)
    with answering(b'"' + b"a" * (2 << 20) + b'"') as asked, pytest.raises(Trouble, match="more than 1 MiB"):
        asked.ask("GET", "/api/v1/query")


def test_one_of_json_is_read_as_it_is() -> None:
    with answering(b'{"data": {"result": []}}') as asked:
        assert asked.ask("GET", "/api/v1/query").body == {"data": {"result": []}}
