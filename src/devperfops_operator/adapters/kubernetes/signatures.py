"""Who sends us measurements, where TokenReview is not to be had: the tokens' signatures tell.

The API server's keys and issuer are read at /openid/v1/jwks and /.well-known/openid-configuration (OpenID
Connect Discovery 1.0), which every ServiceAccount may read by Kubernetes' own ClusterRole
system:service-account-issuer-discovery. A token stays valid until it expires, also when its pod is gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import jwt

from devperfops_operator.adapters.kubernetes.connection import Connection
from devperfops_operator.domain.errors import Refused, Unauthenticated, Unavailable
from devperfops_operator.domain.ports import PodIdentity
from devperfops_operator.wire.brief import TOKEN_AUDIENCE

_DISCOVERY: Final = "/.well-known/openid-configuration"
_KEYS: Final = "/openid/v1/jwks"
_ALGORITHMS: Final = ("RS256", "ES256", "ES384", "ES512")  # what an API server signs with
_LEEWAY_SECONDS: Final = 10
_FRESH_SECONDS: Final = 300.0
_ASK_AGAIN_SECONDS: Final = 10.0  # strangers can make up names of keys


class TokenVerifier:
    """Implements `domain.ports.Tokens`."""

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._issuer = ""
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def review(self, token: str) -> PodIdentity:
        """The pod the token was issued to.

        Raises:
            Unauthenticated: not a valid token, not for us, or not bound to a pod.
            Unavailable: the API server's keys cannot be read.
        """
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=TOKEN_AUDIENCE,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "aud", "iss"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(
                f"the token is not valid for the audience {TOKEN_AUDIENCE}: {error}"
            ) from None
        return _identity(claims)

    async def _key(self, name: str) -> jwt.PyJWK:
        age = self._clock() - self._read_at
        if age > _FRESH_SECONDS or (name not in self._keys and age > _ASK_AGAIN_SECONDS):
            async with self._reading:
                if self._clock() - self._read_at >= age:  # nobody has read them meanwhile
                    await self._read()
        if name not in self._keys:
            raise Unauthenticated("the token is signed with a key that is not the API server's")
        return self._keys[name]

    async def _read(self) -> None:
        try:
            discovery = await self._connection.request("GET", _DISCOVERY)
            found = jwt.PyJWKSet.from_dict(await self._connection.request("GET", _KEYS))
        except (Refused, jwt.PyJWTError) as error:
            raise Unavailable(
                f"the API server's keys cannot be read: {error}; bind the ClusterRole "
                "system:service-account-issuer-discovery, or set agentTokens: Review"
            ) from error
        self._issuer = str(discovery["issuer"])
        self._keys = {key.key_id: key for key in found.keys if key.key_id}
        self._read_at = self._clock()


def _identity(claims: Mapping[str, Any]) -> PodIdentity:
    """From the private claims of a bound token (KEP-1205)."""
    bound = claims.get("kubernetes.io")
    match bound:
        case {"namespace": str(namespace), "pod": {"name": str(pod), "uid": str(uid)}}:
            return PodIdentity(namespace=namespace, pod=pod, pod_uid=uid)
        case _:
            raise Unauthenticated("the token is not bound to a pod")
