"""Who is calling: projected ServiceAccount tokens, reviewed by the API server and remembered for a minute."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from devperfops_operator.domain.errors import Unauthenticated
from devperfops_operator.domain.ports import PodIdentity, Tokens

LIFETIME_S = 60.0
CAPACITY = 4096
_REVIEWS_AT_ONCE = 16  # what strangers can make us ask the API server is bounded
_BEARER = re.compile(r"Bearer ([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)


def bearer_token(authorization: str | None) -> str:
    """The token of an `Authorization` header (RFC 6750, section 2.1).

    Raises:
        Unauthenticated: there is none.
    """
    match = _BEARER.fullmatch(authorization or "")
    if match is None:
        raise Unauthenticated('send the header "Authorization: Bearer TOKEN" with the pod\'s projected token')
    return match[1]


def is_worker(caller: PodIdentity, namespace: str, run: str, worker: int) -> bool:
    """Whether the caller's pod is index `worker` of the run's Job, which is named like the run.

    The last part of a pod's name has no dash in it, so a pod of run `a-0` is never one of run `a`.
    """
    name = re.compile(rf"{re.escape(run)}-{worker}-[a-z0-9]+")
    return caller.namespace == namespace and name.fullmatch(caller.pod) is not None


class Identities:
    """Reviews tokens, each at most once a minute. Keeps their hashes and never the tokens themselves."""

    def __init__(self, tokens: Tokens, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, PodIdentity]] = OrderedDict()
        self._slots = asyncio.Semaphore(_REVIEWS_AT_ONCE)

    async def of(self, token: str) -> PodIdentity:
        """Who the token proves its bearer to be.

        Raises:
            Unauthenticated: it proves nothing. Such answers are not remembered.
            Unavailable: the API server does not say.
        """
        key = sha256(token.encode()).digest()
        if (known := self._known.get(key)) and self._clock() - known[0] < LIFETIME_S:
            self._known.move_to_end(key)
            return known[1]
        async with self._slots:
            reviewed_at = self._clock()
            identity = await self._tokens.review(token)
        self._known[key] = (reviewed_at, identity)
        self._known.move_to_end(key)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return identity
