"""What the services have in common: the database, each other, metrics, their own document."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_DURATIONS = Histogram(
    "http_request_duration_seconds",
    "How long requests took.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, aiohttp.ClientError)


class Service:
    """One service; `database` and `others` are there once it serves."""

    database: asyncpg.Pool
    others: aiohttp.ClientSession

    def __init__(self, name: str, release: str) -> None:
        self._name = name
        self._release = release

    def app(self, routes: Iterable[web.RouteDef]) -> web.Application:
        """With the routes every service has."""
        app = web.Application(middlewares=[_measured, _refused])
        app.add_routes(
            [
                *routes,
                web.get("/openapi.yaml", self._document),
                web.get("/metrics", _metrics),
                web.get("/readyz", self._ready),
            ]
        )
        app.cleanup_ctx.append(self._connected)
        return app

    async def ask(self, url: str) -> Any:
        """What another service answers."""
        async with self.others.get(url) as answer:
            if answer.status != web.HTTPOk.status_code:
                raise web.HTTPBadGateway(text=f"{url} answered {answer.status}")
            return await answer.json()

    async def _connected(self, _: web.Application) -> AsyncIterator[None]:
        """The variables of libpq say where the database is. What a data reset disconnects connects again."""
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            asyncpg.create_pool(min_size=0, max_size=8) as self.database,
            aiohttp.ClientSession(timeout=timeout) as self.others,
        ):
            yield

    async def _ready(self, _: web.Request) -> web.Response:
        await self.database.fetchval("SELECT 1")
        return web.json_response({"service": self._name, "release": self._release})

    async def _document(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(Path(__file__).parent / "openapi" / f"{self._name}.yaml")


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@web.middleware
async def _measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    began, status = time.perf_counter(), 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        _DURATIONS.labels(request.method, route, status).observe(time.perf_counter() - began)
    return response


@web.middleware
async def _refused(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A number that is none is the caller's fault; a database or service that is away is nobody's here."""
    try:
        return await handler(request)
    except (KeyError, TypeError, ValueError) as error:
        raise web.HTTPBadRequest(text=f"not as /openapi.yaml says: {error!r}") from error
    except _AWAY as error:
        raise web.HTTPServiceUnavailable(text=f"what it needs is away: {error!r}") from error
