"""Probes. Alive: the event loop answers. Ready: this operator decides."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from devperfops_operator.domain.errors import Unavailable


def routes(obstacle: Callable[[], str | None]) -> list[web.RouteDef]:
    """`obstacle`: why the operator does not decide; None: it does."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"message": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        if (why := obstacle()) is not None:
            raise Unavailable(why)
        return web.json_response({"message": "ready"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
