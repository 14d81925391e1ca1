"""Probes. Alive: the event loop answers. Ready: the operator has seen what there is in the cluster."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from devperfops_operator.domain.errors import Unavailable


def routes(ready: Callable[[], bool]) -> list[web.RouteDef]:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"message": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        if not ready():
            raise Unavailable("the first listing of the cluster is not complete yet")
        return web.json_response({"message": "ready"})

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
