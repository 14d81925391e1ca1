"""A reset by a call, at a real HTTP server: what is asked of it, and what counts as done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devperfops_operator.agent.__main__ import main
from devperfops_operator.agent.reset import CallError, reset
from devperfops_operator.wire.call import VARIABLE, Call, Poll

SECRET = "it's secret"


class Patience:
    """Waits for nothing; told to end at the given wait."""

    def __init__(self, ends_at: int = 0) -> None:
        self.requested, self.waits, self.ends_at = False, [], ends_at

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.requested = len(self.waits) == self.ends_at


@dataclass
class Service:
    """Answers with the next of `answers`, the last one for ever."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "")])
    asked: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                service.asked.append((self.command, self.path, dict(self.headers), body))
                status, text = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = answer  # noqa: N815  the names that http.server wants

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    with ThreadingHTTPServer(("127.0.0.1", 0), service.handler()) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        server.shutdown()
        thread.join()


@pytest.fixture
def call(service: Service) -> Callable[..., int]:
    def call(patience: Patience | None = None, value: str = SECRET, **changes: object) -> int:
        wanted = Call(f"{service.url}/reset?key=k", "POST", ("Authorization",), None, (), 30, None)
        orders = Call.from_json(replace(wanted, **changes).to_json())
        return reset(orders, {"DEVPERFOPS_HEADER_0": value}, patience or Patience())

    return call


def test_an_answer_of_success_is_a_reset(service: Service, call: Callable[..., int]) -> None:
    assert call(method="PUT", body='{"golden": "jänner"}', value=f"{SECRET}\n") == 0
    [(method, path, headers, body)] = service.asked
    assert (method, path, body) == ("PUT", "/reset?key=k", '{"golden": "jänner"}')
    assert headers["Authorization"] == SECRET


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_other_answer_is_told_without_secrets(
    service: Service, call: Callable[..., int], status: int
) -> None:
    service.answers = [(status, "no\ngolden copy")]
    with pytest.raises(CallError) as told:
        call()
    said = f"POST {service.url}/reset answered {status}: no golden copy; expected: 200 to 299"
    assert str(told.value) == said
    assert len(service.asked) == 1, "no redirection is followed"


def test_only_the_wanted_statuses_count(service: Service, call: Callable[..., int]) -> None:
    service.answers = [(302, "")]
    assert call(statuses=(302, 404)) == 0
    service.answers = [(200, "")]
    with pytest.raises(CallError, match="answered 200; expected: 302, 404"):
        call(statuses=(302, 404))


def test_a_reset_that_was_only_begun_is_waited_for(service: Service, call: Callable[..., int]) -> None:
    service.answers = [(202, ""), (200, "copies"), (503, ""), (200, "all done")]
    patience = Patience()
    assert call(patience, poll=Poll(f"{service.url}/state", "done", 0.5)) == 0
    assert [asked[:2] for asked in service.asked] == [("POST", "/reset?key=k"), *[("GET", "/state")] * 3]
    assert {asked[2]["Authorization"] for asked in service.asked} == {SECRET}
    assert patience.waits == [0.5, 0.5]


def test_one_that_is_never_done_is_told(service: Service, call: Callable[..., int]) -> None:
    service.answers = [(202, ""), (200, "copies")]
    with pytest.raises(
        CallError, match=r"not done in time; the last answer: GET .*/state answered 200: copies"
    ):
        call(timeout_s=0.2, poll=Poll(f"{service.url}/state", "done", 0.01))


def test_of_a_long_answer_the_beginning_is_read(service: Service, call: Callable[..., int]) -> None:
    long = "x" * (3 << 20)
    service.answers = [(202, ""), (200, f"{long} done"), (200, f"done {long}")]
    poll = Poll(f"{service.url}/state", "done", 1)
    assert call(poll=poll) == 0
    assert len(service.asked) == 3


def test_who_is_told_to_end_ends(service: Service, call: Callable[..., int]) -> None:
    service.answers = [(202, ""), (500, "")]
    assert call(Patience(ends_at=2), poll=Poll(service.url, "", 1)) == 1


def test_nobody_there_is_told(call: Callable[..., int]) -> None:
    with pytest.raises(CallError, match=r"POST http://127.0.0.1:1/reset: .*[Cc]onnect"):
        call(url="http://127.0.0.1:1/reset?key=k")


def test_a_secret_of_two_lines_is_no_header_and_is_not_told(call: Callable[..., int]) -> None:
    with pytest.raises(CallError, match="the value of header Authorization has a line break") as told:
        call(value="two\nlines")
    assert "two" not in str(told.value)


def test_the_program_leaves_its_last_words(
    service: Service, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers = [(500, "no golden copy")]
    monkeypatch.setenv(VARIABLE, Call(service.url, "POST", (), None, (), 30, None).to_json())
    message = tmp_path / "message"
    assert main(["reset", f"--message={message}"]) == 2
    assert message.read_text() == f"POST {service.url} answered 500: no golden copy; expected: 200 to 299"
