"""A session with one server: how the operator proves who it is, whom it trusts and how much it reads."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase

from devperfops_operator.adapters.tokenfile import read_bearer, read_token
from devperfops_operator.api.settings import PrometheusServer

LONGEST: Final = 16 << 20
"""Bytes of an answer, unpacked: room for 300,000 samples of the usual 30 bytes, and for their labels."""


class AnswerTooLong(Exception):
    """There is more than LONGEST of it."""


def open_session(server: PrometheusServer) -> Session:
    """Secrets are read for each request and the CA for each connection, since both are renewed in place."""
    session = Session()
    session.auth = _Credentials(server)
    session.headers.update(server.headers)
    session.hooks["response"].append(_bound)
    if server.ca_file is not None:
        session.verify = str(server.ca_file)
    return session


def _bound(response: Response, **_: Any) -> None:
    response.raw = _Bounded(response.raw)


class _Bounded:
    """A body that is read no further than LONGEST."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def stream(self, size: int, *, decode_content: bool) -> Iterator[bytes]:
        """Raises AnswerTooLong."""
        read = 0
        for chunk in self._body.stream(size, decode_content=decode_content):
            read += len(chunk)
            if read > LONGEST:
                raise AnswerTooLong
            yield chunk


class _Credentials(AuthBase):
    """Also keeps the library from looking for a `.netrc` of its own accord."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Raises Refused if a secret cannot be read or used."""
        if self._server.token_file is not None:
            request.headers["Authorization"] = f"Bearer {read_bearer(self._server.token_file)}"
        elif self._server.basic_auth is not None:
            basic = self._server.basic_auth
            pair = f"{basic.username}:{read_token(basic.password_file)}"
            request.headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return request
