"""Request bodies, read within bounds: size, time, and how many at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web

from devperfops_operator.server.replies import refusal

T = TypeVar("T")

LIMIT_BYTES = 8 * 1024 * 1024
_LIMIT_S = 15
_AT_ONCE = 8
_SMALL_BYTES = 64 * 1024  # a few milliseconds


class Bodies:
    """Reads JSON objects; together they never hold more than 8 bodies of 8 MiB.

    A body of that size takes seconds to take apart: that is done in a thread, and the event loop goes on.
    For a small one the way to a thread and back takes longer than the work.
    """

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def read(self, request: web.Request, decode: Callable[[dict[str, Any]], T]) -> T:
        """The body, decoded. Raises 413 (too large), 408 (too slow), 400 (not a JSON object)."""
        if (request.content_length or 0) > LIMIT_BYTES:
            raise _too_large()
        async with self._slots:
            body = await _read(request)
            if len(body) <= _SMALL_BYTES:
                return decode(_parse(body))
            return await asyncio.to_thread(lambda: decode(_parse(body)))


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_LIMIT_S):
            return await request.read()
    except TimeoutError as error:
        raise refusal(web.HTTPRequestTimeout, f"the body did not arrive within {_LIMIT_S} s") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large() from error
    except web.RequestPayloadError as error:
        raise refusal(web.HTTPBadRequest, f"the body cannot be decoded: {error}") from error


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refusal(web.HTTPBadRequest, f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise refusal(web.HTTPBadRequest, "the body must be a JSON object")
    return value


def _too_large() -> web.HTTPError:
    message = f"the body is larger than {LIMIT_BYTES} bytes: send fewer blocks at once"
    return refusal(_PayloadTooLarge, message)


class _PayloadTooLarge(web.HTTPClientError):
    """aiohttp's own class for 413 wants sizes instead of a text."""

    status_code = 413
