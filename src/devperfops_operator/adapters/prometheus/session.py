"""A session with one server: how the operator proves who it is, and whom it trusts."""

from __future__ import annotations

import base64

from requests import PreparedRequest, Session
from requests.auth import AuthBase

from devperfops_operator.adapters.tokenfile import read_bearer, read_token
from devperfops_operator.api.settings import PrometheusServer


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
            request.headers["Authorization"] = f"Bearer {read_bearer(self._server.token_file)}"
        elif self._server.basic_auth is not None:
            basic = self._server.basic_auth
            pair = f"{basic.username}:{read_token(basic.password_file)}"
            request.headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return request
