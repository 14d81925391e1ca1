"""Who sends us measurements: ServiceAccount tokens bound to a pod, checked by the API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devperfops_operator.adapters.kubernetes.connection import Connection
from devperfops_operator.domain.errors import Unauthenticated
from devperfops_operator.domain.ports import PodIdentity
from devperfops_operator.wire.brief import TOKEN_AUDIENCE

_PATH: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
_POD_NAME: Final = "authentication.kubernetes.io/pod-name"
_POD_UID: Final = "authentication.kubernetes.io/pod-uid"


class TokenReviewer:
    """Implements `domain.ports.Tokens`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def review(self, token: str) -> PodIdentity:
        """The pod the token was issued to.

        Raises:
            Unauthenticated: not a valid token, not for us, or not bound to a pod.
            Unavailable: the API server does not answer now.
        """
        answer = await self._connection.request("POST", _PATH, body=_review(token))
        return _identity(answer.get("status", {}))


def _review(token: str) -> dict[str, Any]:
    return {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": [TOKEN_AUDIENCE]},
    }


def _identity(status: Mapping[str, Any]) -> PodIdentity:
    if not status.get("authenticated") or TOKEN_AUDIENCE not in status.get("audiences", []):
        raise Unauthenticated(f"the token is not valid for the audience {TOKEN_AUDIENCE}")
    user = status["user"]
    extra = user.get("extra") or {}
    parts = user["username"].split(":")
    if parts[:2] != ["system", "serviceaccount"] or _POD_NAME not in extra or _POD_UID not in extra:
        raise Unauthenticated(f"the token of {user['username']} is not bound to a pod")
    return PodIdentity(namespace=parts[2], pod=extra[_POD_NAME][0], pod_uid=extra[_POD_UID][0])
