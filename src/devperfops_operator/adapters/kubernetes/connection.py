"""One authenticated HTTP connection pool to the API server; every request has a timeout."""

from __future__ import annotations

import json
import os
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
_ACCEPT: Final = "application/json, application/jwk-set+json"


class Connection:
    """Sends JSON, returns JSON. The client library's models are left out: they only cost time."""

    def __init__(self, configuration: Configuration, timeout_s: float = REQUEST_SECONDS) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = _USER_AGENT
        self._client.rest_client = CanonicalTransport(configuration)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(timeout_s, _CONNECT_SECONDS))

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One request and its answer.

        Raises:
            Refused: asking again changes nothing.
            Conflict: the object is not what we believed.
            Unavailable: no answer within the timeout, or one that says "later".
        """
        doing = f"{method} {path}"
        headers = {"Accept": _ACCEPT, "Content-Type": content_type}
        try:
            arguments = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await self._client.call_api(*arguments, _request_timeout=self._timeout)
            content = await response.read()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            raise Unavailable(f"{doing}: the API server did not answer in {self._timeout.total} s") from error
        except (aiohttp.ClientError, OSError, ConfigException) as error:
            raise Unavailable(f"{doing}: the API server cannot be reached ({error})") from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise failure(response.status, content, doing)
        answer: dict[str, Any] = json.loads(content)
        return answer

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]


async def connect(kubeconfig: str | None = None, *, timeout_s: float = REQUEST_SECONDS) -> Connection:
    """With the kubeconfig (or the one KUBECONFIG names), else as the pod's own ServiceAccount.

    Raises:
        Unavailable: there is neither, or it cannot be read.
    """
    configuration = Configuration()
    path = kubeconfig or os.environ.get("KUBECONFIG")
    try:
        if path:
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path, client_configuration=configuration
            )
        else:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise Unavailable(f"no way to the API server: {error}; set KUBECONFIG") from error
    return Connection(configuration, timeout_s)
