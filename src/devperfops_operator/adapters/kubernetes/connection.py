"""One authenticated HTTP connection pool to the API server; every request has a timeout."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from devperfops_operator.adapters.kubernetes.failures import failure
from devperfops_operator.adapters.kubernetes.transport import CanonicalTransport
from devperfops_operator.domain.errors import Unavailable

REQUEST_SECONDS: Final = 20.0
_CONNECT_SECONDS: Final = 5.0
_USER_AGENT: Final = "devperfops-operator"
_JSON: Final = "application/json"
_ACCEPT: Final = "application/json, application/jwk-set+json"
_LONGEST_LINE: Final = 8 << 20
"""More than any object of an API server needs; in bytes."""


class Connection:
    """Sends JSON, returns JSON. The client library's models are left out: they only cost time."""

    def __init__(self, configuration: Configuration, timeout_s: float = REQUEST_SECONDS) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = _USER_AGENT
        self._client.rest_client = CanonicalTransport(configuration)
        self._timeout = _timeout(timeout_s)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _ACCEPT,
    ) -> dict[str, Any]:
        """One request and its answer.

        Raises:
            Refused: asking again changes nothing.
            Conflict: the object is not what we believed.
            Unavailable: no answer within the timeout, or one that says "later".
        """
        doing = f"{method} {path}"
        headers = {"Accept": accept, "Content-Type": content_type}
        with _reaching(doing, self._timeout):
            response = await self._send(
                method, path, query=query or {}, headers=headers, body=body, within=self._timeout
            )
            content = await response.read()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise failure(response.status, content, doing)
        answer: dict[str, Any] = json.loads(content)
        return answer

    async def stream(
        self, path: str, *, query: dict[str, str], accept: str, timeout_s: float
    ) -> AsyncGenerator[dict[str, Any]]:
        """A GET whose answer is one JSON object a line, given as they come, until the server ends it.

        Raises:
            Refused: asking again changes nothing.
            Unavailable: the server went away, or did not end it within the timeout.
        """
        doing, within = f"GET {path}", _timeout(timeout_s)
        with _reaching(doing, within):
            response = await self._send("GET", path, query=query, headers={"Accept": accept}, within=within)
            try:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise failure(response.status, await response.read(), doing)
                async for line in _lines(response.content):
                    yield json.loads(line)
            finally:
                response.close()

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str],
        headers: dict[str, str],
        within: aiohttp.ClientTimeout,
        body: Any = None,
    ) -> aiohttp.ClientResponse:
        arguments = await self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._client.call_api(*arguments, _request_timeout=within)
        response: aiohttp.ClientResponse = answer.response
        return response

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]


def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, connect=min(seconds, _CONNECT_SECONDS))


@contextmanager
def _reaching(doing: str, timeout: aiohttp.ClientTimeout) -> Iterator[None]:
    """What goes wrong on the way to the API server and back is Unavailable."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(f"{doing}: the API server did not answer in {timeout.total} s") from error
    except (aiohttp.ClientError, OSError, ConfigException) as error:
        raise Unavailable(f"{doing}: the API server cannot be reached ({error})") from error


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes]:
    """Of any length, unlike aiohttp's own: an object with large annotations is one line."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise Unavailable(f"the API server sent a line of more than {_LONGEST_LINE} bytes")
        for line in lines:
            yield line


async def connect(
    kubeconfig: str | None = None, *, context: str | None = None, timeout_s: float = REQUEST_SECONDS
) -> Connection:
    """With the kubeconfig (or the one KUBECONFIG names), else as the pod's own ServiceAccount.

    `context`: of the kubeconfig; None: its current one.

    Raises:
        Unavailable: there is neither, or it cannot be read.
    """
    configuration = Configuration()
    path = kubeconfig or os.environ.get("KUBECONFIG")
    try:
        if path:
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path, context=context, client_configuration=configuration
            )
        else:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise Unavailable(f"no way to the API server: {error}; set KUBECONFIG") from error
    return Connection(configuration, timeout_s)
