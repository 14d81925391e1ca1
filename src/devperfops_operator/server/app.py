"""The operator's HTTP side, put together. It shares the event loop with the controller."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from devperfops_operator.server import body, health
from devperfops_operator.server.intake import Intake
from devperfops_operator.server.metrics import Metrics
from devperfops_operator.server.replies import refuse_in_json

_IDLE_S = 75
_SHUTDOWN_S = 5


def build_app(*, intake: Intake, metrics: Metrics, obstacle: Callable[[], str | None]) -> web.Application:
    app = web.Application(client_max_size=body.LIMIT_BYTES, middlewares=[metrics.middleware, refuse_in_json])
    app.add_routes([*intake.routes(), *health.routes(obstacle), *metrics.routes()])
    return app


@asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[None]:
    """Serve on every address of the pod until the block ends. Signals are left to the caller."""
    runner = web.AppRunner(
        app, handle_signals=False, access_log=None, keepalive_timeout=_IDLE_S, shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
