"""Access logs: lines of each format, sessions, and the chain that played users leave behind."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.sessions.chain import IDLE_S, chain
from devperfops_operator.analysis.sessions.lines import Hit, hit

AT = datetime(2026, 6, 1, 12, 0, 5, tzinfo=UTC).timestamp()


def named(method: str, path: str) -> str | None:
    return None if path.endswith(".png") else f"{method} {path}"


def asked(who: str, at: float, path: str, took: float = 0.0) -> Hit:
    return Hit(who, at, "GET", path, took)


@pytest.mark.parametrize(
    "line",
    [
        '192.0.2.7 - ann [01/Jun/2026:14:00:05 +0200] "GET /cart?x=1 HTTP/1.1" 200 2326',
        '192.0.2.7 - - [01/Jun/2026:12:00:05 +0000] "GET /cart HTTP/1.1" 200 - "http://a/" "a \\"b\\" c" 0.02',
        '[2026-06-01T12:00:05.000Z] "GET /cart HTTP/1.1" 200 - 0 135 20 19 "192.0.2.7" "agent" "id" "shop" "10.0.0.1:80"',
        '[2026-06-01T12:00:05.000Z] "GET /cart HTTP/2" 200 - via_upstream - "-" 0 135 20 19 "192.0.2.7,10.0.0.2" "agent" "id" "a" "b"',
        json.dumps(
            {
                "remote_addr": "192.0.2.7",
                "time_local": "01/Jun/2026:12:00:05 +0000",
                "request": "GET /cart HTTP/1.1",
            }
        ),
        json.dumps(
            {"client_ip": "192.0.2.7:4711", "ts": AT, "method": "GET", "uri": "/cart?x", "request_time": 0.02}
        ),
        json.dumps(
            {
                "x_forwarded_for": "192.0.2.7, 10.1.1.1",
                "start_time": "2026-06-01T12:00:05Z",
                "method": "GET",
                "path": "/cart",
                "duration": 20,
            }
        ),
        json.dumps({"remote_addr": "192.0.2.7", "timestamp": AT * 1000, "method": "GET", "path": "/cart"}),
    ],
)
def test_a_line_of_each_format_is_read(line: str) -> None:
    found = hit(line)
    assert found is not None
    assert (found.at, found.method, found.path) == (AT, "GET", "/cart")
    assert found.who.split(" ")[0] == "192.0.2.7"
    assert found.took in {0, 0.02}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        '{"a": 1}',
        "[]",
        '1 - - [99/Jun/2026:12:00:05 +0000] "GET / HTTP/1.1" 200 1',
        '{"ts": 1, "method": "GET"}',
    ],
)
def test_what_is_no_line_of_a_log_is_none(line: str) -> None:
    assert hit(line) is None


@given(st.text(max_size=200))
def test_any_text_is_read_or_none(text: str) -> None:
    for line in (text, f"{{{text}", f"[{text}"):
        assert hit(line) is None or isinstance(hit(line), Hit)


def test_a_pause_of_more_than_half_an_hour_ends_a_session() -> None:
    found = chain(
        [asked("a", 0, "/"), asked("a", IDLE_S, "/cart", took=10), asked("a", 2 * IDLE_S + 11, "/")], named
    )
    assert found is not None
    assert found.sessions == 2
    assert found.starts == {"GET /": 2}
    assert found.ends == {"GET /cart": 1, "GET /": 1}
    assert found.seconds == (IDLE_S + 10) / 2


def test_thinking_begins_with_the_answer_and_pictures_are_passed_over() -> None:
    hits = [
        asked("a", 0, "/", took=2),
        asked("a", 2.1, "/logo.png"),
        asked("a", 5, "/cart"),
        asked("b", 1, "/cart"),
    ]
    found = chain(reversed(hits), named)
    assert found is not None
    assert (found.sessions, found.requests, found.outside) == (2, 3, 1)
    step = found.steps["GET /"]["GET /cart"]
    assert (step.count, step.think_s) == (1, 3)


def test_no_request_of_an_endpoint_is_no_chain() -> None:
    assert chain([asked("a", 0, "/logo.png")], named) is None


def test_the_chain_of_played_users_is_found_again() -> None:
    """From the front one in four goes to the cart, after 3 s; half leave the cart, the others go back, after 1 s."""
    chance = random.Random(3)
    hits: list[Hit] = []
    for user in range(3_000):
        at, page = user * 7.0, "/"
        while page:
            hits.append(asked(f"user {user}", at, page))
            onwards = "/cart" if page == "/" else "/"
            page = onwards if chance.random() < (0.25 if page == "/" else 0.5) else ""
            at += 3 if onwards == "/cart" else 1
    found = chain(hits, named)
    assert found is not None
    front = found.steps["GET /"]["GET /cart"]
    came = front.count + found.ends["GET /"]
    assert front.count / came == pytest.approx(0.25, abs=0.02)
    back = found.steps["GET /cart"]["GET /"]
    assert back.count / (back.count + found.ends["GET /cart"]) == pytest.approx(0.5, abs=0.05)
    assert (front.think_s, back.think_s) == (3, 1)
    assert (found.sessions, found.starts) == (3_000, {"GET /": 3_000})
