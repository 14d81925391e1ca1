"""The few API requests the cluster's own start needs."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any, Final

from hack.cluster.errors import ClusterError
from hack.cluster.pki import Pki

_TIMEOUT: Final = 5.0
APPLY: Final = "application/apply-patch+yaml"
STRATEGIC: Final = "application/strategic-merge-patch+json"


class Api:
    """An API server, spoken to as a user of the certificate set."""

    def __init__(self, server: str, pki: Pki, user: str = "admin") -> None:
        self._server = server
        tls = ssl.create_default_context(cafile=str(pki.ca))
        tls.load_cert_chain(pki.certificate(user), pki.key(user))
        # No proxy: the server is on this machine, whatever the environment says.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )

    def ready(self) -> bool:
        """Whether the server answers /readyz."""
        try:
            return self._call("GET", "/readyz") == b"ok"
        except (urllib.error.URLError, OSError):
            return False

    def get(self, path: str) -> dict[str, Any] | None:
        """An object, or None when there is none."""
        try:
            found = json.loads(self._call("GET", path))
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise _refused("GET", path, error) from None
        assert isinstance(found, dict)
        return found

    def patch(self, path: str, body: dict[str, Any], content_type: str) -> None:
        """Change, or with `APPLY` also create, an object."""
        try:
            self._call("PATCH", path, json.dumps(body).encode(), content_type)
        except urllib.error.HTTPError as error:
            raise _refused("PATCH", path, error) from None

    def _call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> bytes:
        request = urllib.request.Request(
            self._server + path, data=body, method=method, headers={"Content-Type": content_type}
        )
        with self._opener.open(request, timeout=_TIMEOUT) as response:
            content: bytes = response.read()
        return content


def _refused(method: str, path: str, error: urllib.error.HTTPError) -> ClusterError:
    return ClusterError(
        f"the API server refused {method} {path}: {error.code} {error.read().decode(errors='replace')}"
    )
