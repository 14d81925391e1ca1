"""Resets data by calling a service, and waits until it says that it is done.

Nothing of a header is ever printed: its value may be a secret.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from devperfops_operator.agent.termination import Termination
from devperfops_operator.wire.call import Call, Poll, header_variable

_CONNECT_S: Final = 10.0
_ASK_S: Final = 30.0
_QUOTED: Final = 300
_READ: Final = 1 << 20  # bytes of an answer: nobody needs more to say that it is done
_log = logging.getLogger(__name__)


class CallError(ValueError):
    """The service did not reset the data; the message says why."""


@dataclass(frozen=True)
class _Answer:
    status: int
    text: str

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status)


def reset(call: Call, environment: Mapping[str, str], termination: Termination) -> int:
    """Returns the exit code: 0 when the data are reset, 1 when it was told to end.

    Raises:
        CallError: the service does not answer, or not as wanted.
    """
    ends = time.monotonic() + call.timeout_s
    headers = _headers(call, environment)
    # Proxies are for the way out of a cluster, and a redirection is no answer that anybody has asked for.
    with httpx.Client(trust_env=False, follow_redirects=False, headers=headers) as client:
        answer = _request(client, call.method, call.url, call.timeout_s, call.body)
        _log.info("%s %s: %d", call.method, _shown(call.url), answer.status)
        if not _wanted(answer, call.statuses):
            wanted = ", ".join(map(str, call.statuses)) or "200 to 299"
            raise CallError(f"{call.method} {_told(call.url, answer)}; expected: {wanted}")
        if call.poll is None or _until_done(client, call.poll, ends, termination):
            return 0
    return 1


def _headers(call: Call, environment: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    headers = []
    for at, name in enumerate(call.headers):
        value = environment.get(header_variable(at), "").strip().encode()  # a file's last line break
        if any(byte < ord(" ") and byte != ord("\t") for byte in value):
            raise CallError(f"the value of header {name} has a line break or another control character")
        headers.append((name.encode(), value))
    return headers


def _until_done(client: httpx.Client, poll: Poll, ends: float, termination: Termination) -> bool:
    """False: told to end. A service that is away for a moment is asked again."""
    last = ""
    while time.monotonic() < ends:
        try:
            answer = _request(client, "GET", poll.url, _ASK_S)
        except CallError as error:
            last = str(error)
        else:
            if answer.is_success and poll.contains in answer.text:
                _log.info("GET %s: done", _shown(poll.url))
                return True
            last = f"GET {_told(poll.url, answer)}"
        termination.wait(poll.every_s)
        if termination.requested:
            return False
    raise CallError(f"it was not done in time; the last answer: {last}")


def _request(client: httpx.Client, method: str, url: str, timeout: float, body: str | None = None) -> _Answer:
    """The answer, of a long one the beginning."""
    limits = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_S))
    try:
        content = None if body is None else body.encode()
        with client.stream(method, url, content=content, timeout=limits) as response:
            text = bytearray()
            for chunk in response.iter_bytes():
                text += chunk
                if len(text) >= _READ:
                    break
            return _Answer(response.status_code, text[:_READ].decode(errors="replace"))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise CallError(f"{method} {_shown(url)}: {why}") from None


def _wanted(answer: _Answer, statuses: tuple[int, ...]) -> bool:
    return answer.status in statuses if statuses else answer.is_success


def _told(url: str, answer: _Answer) -> str:
    said = " ".join(answer.text.split())[:_QUOTED]
    return f"{_shown(url)} answered {answer.status}" + (f": {said}" if said else "")


def _shown(url: str) -> str:
    """Without its query, which is nobody's business."""
    return url.partition("?")[0]
