"""How requests leave: as JSON that the API server, which is written in Go, would write itself."""

from __future__ import annotations

import json
from typing import Any, Final

from kubernetes.aio.client.rest import RESTClientObject, RESTResponse

_ESCAPED: Final = "<>&\u2028\u2029"


def canonical_json(body: Any) -> bytes:
    """JSON as Go's `encoding/json` writes it: sorted, compact, and with <, > and & escaped.

    A ControllerRevision's `data` is kept byte by byte and must not change. Whoever changes its labels or
    owners later makes the API server write it anew, which only then gives the same bytes.
    """
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in _ESCAPED:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


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
            data=None if body is None else canonical_json(body),
            timeout=_request_timeout,
            proxy=self.proxy,
            proxy_headers=self.proxy_headers,
            server_hostname=self.configuration.tls_server_name,
        )
        return RESTResponse(response)
