"""How requests leave: as JSON that the API server, which is written in Go, would write itself."""

from __future__ import annotations

from typing import Any

from kubernetes.aio.client.rest import RESTClientObject, RESTResponse

from devperfops_operator.domain.manifests.canonical import canonical_json


class CanonicalTransport(RESTClientObject):
    """The client library's own transport, which leaves spaces between JSON tokens, with our JSON."""

    async def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: Any = None,
    ) -> RESTResponse:
        if post_params:
            raise ValueError("the Kubernetes API takes no form data")
        if self.pool_manager is None:
            self.pool_manager = self._create_pool_manager()
        response = await self.pool_manager.request(
            method,
            url,
            headers=headers,
            data=None if body is None else canonical_json(body).encode(),
            timeout=_request_timeout,
            proxy=self.proxy,
            proxy_headers=self.proxy_headers,
            server_hostname=self.configuration.tls_server_name,
        )
        return RESTResponse(response)
