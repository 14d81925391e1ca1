"""A session with one server: how the operator proves who it is, and whom it trusts."""

from __future__ import annotations

import base64

from requests import PreparedRequest, Session
from requests.auth import AuthBase

from devperfops_operator.adapters.tokenfile import read_token
from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.domain.errors import Refused


def open_session(server: PrometheusServer) -> Session:
    """Secrets are read for each request and the CA for each connection, since both are renewed in place."""
    session = Session()
    session.auth = _Credentials(server)
    session.headers.update(server.headers)
    if server.ca_file is not None:
        session.verify = str(server.ca_file)
    return session


class _Credentials(AuthBase):
    """Also keeps the library from looking for a `.netrc` of its own accord."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Raises Refused if a secret cannot be read or used."""
        if self._server.token_file is not None:
            request.headers["Authorization"] = f"Bearer {self._token()}"
        elif self._server.basic_auth is not None:
            basic = self._server.basic_auth
            pair = f"{basic.username}:{read_token(basic.password_file)}"
            request.headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return request

    def _token(self) -> str:
        """Nothing but a token: the HTTP library would quote anything else in its error."""
        assert self._server.token_file is not None  # noqa: S101  the caller has looked
        token = read_token(self._server.token_file)
        if not (token.isascii() and token.isprintable() and " " not in token):
            message = f"{self._server.token_file} holds more than a token; put only the token into the Secret"
            raise Refused("TokenUnusable", message)
        return token
