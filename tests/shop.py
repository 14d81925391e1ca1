"""The shop of examples/scenario/openapi.yaml: strict about keys, bodies, names and what belongs together."""

import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import DynamicResource, PlainResource

KEY = "open sesame"
ARTICLE = re.compile(r"[A-Z]{3}-[0-9]{4}")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Shop:
    """`answered`: how often each operation was answered with which code."""

    customers: dict[int, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    ids: int = 0

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.guarded])
        app.add_routes(
            [
                web.get("/api/customers", self.list_customers),
                web.post("/api/customers", self.create_customer),
                web.get("/api/customers/{customerId}", self.customer),
                web.delete("/api/customers/{customerId}", self.remove_customer),
                web.get("/api/orders", self.list_orders),
                web.post("/api/orders", self.create_order),
                web.delete("/api/orders", self.remove_all),
                web.get("/api/orders/{orderId}", self.order),
                web.put("/api/orders/{orderId}", self.change_order),
                web.delete("/api/orders/{orderId}", self.remove_order),
                web.post("/api/orders/{orderId}/lines", self.add_line),
                web.get("/api/orders/{orderId}/lines/{lineId}", self.line),
                web.post("/api/orders/{orderId}/cancel", self.cancel),
            ]
        )
        return app

    @web.middleware
    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if isinstance(resource, PlainResource | DynamicResource) else request.path
        status = 500
        try:
            if request.headers.get("X-Shop-Key") != KEY:
                raise web.HTTPUnauthorized
            response = await handler(request)
            status = response.status
        except web.HTTPException as refusal:
            status = refusal.status
            raise
        finally:
            self.answered[f"{request.method} {path.removeprefix('/api')}"][status] += 1
        return response

    async def list_customers(self, _: web.Request) -> web.Response:
        return web.json_response({"items": list(self.customers.values())[:20]})

    async def create_customer(self, request: web.Request) -> web.Response:
        said = await request.json()
        if any(each["email"] == said["email"] for each in self.customers.values()):
            raise web.HTTPConflict
        if "@" not in said["email"] or len(said["name"]) > 40 or "id" in said:
            raise web.HTTPUnprocessableEntity
        self.ids += 1
        self.customers[self.ids] = said | {"id": self.ids}
        return web.json_response(self.customers[self.ids], status=201)

    def _customer(self, request: web.Request) -> dict[str, Any]:
        found = self.customers.get(int(request.match_info["customerId"]))
        if found is None:
            raise web.HTTPNotFound
        return found

    async def customer(self, request: web.Request) -> web.Response:
        return web.json_response(self._customer(request))

    async def remove_customer(self, request: web.Request) -> web.Response:
        gone = self._customer(request)["id"]
        if any(order["customerId"] == gone for order in self.orders.values()):
            raise web.HTTPConflict
        del self.customers[gone]
        return web.Response(status=204)

    async def list_orders(self, _: web.Request) -> web.Response:
        return web.json_response(list(self.orders.values())[:20])

    async def _said(self, request: web.Request) -> dict[str, Any]:
        said: dict[str, Any] = await request.json()
        right = said["currency"] in {"EUR", "JPY", "USD"} and said["total"] > 0
        if said["customerId"] not in self.customers or not right or "id" in said:
            raise web.HTTPUnprocessableEntity
        return said

    async def create_order(self, request: web.Request) -> web.Response:
        said = await self._said(request)
        order = said | {"id": str(uuid.uuid4()), "lines": {}}
        self.orders[order["id"]] = order
        return web.json_response(order, status=201)

    def _order(self, request: web.Request) -> dict[str, Any]:
        found = self.orders.get(request.match_info["orderId"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def order(self, request: web.Request) -> web.Response:
        return web.json_response(self._order(request))

    async def change_order(self, request: web.Request) -> web.Response:
        self._order(request).update(await self._said(request))
        return web.json_response(self._order(request))

    async def remove_order(self, request: web.Request) -> web.Response:
        del self.orders[self._order(request)["id"]]
        return web.Response(status=204)

    async def remove_all(self, _: web.Request) -> web.Response:
        self.orders.clear()
        return web.Response(status=204)

    async def add_line(self, request: web.Request) -> web.Response:
        said = await request.post()
        if not ARTICLE.fullmatch(str(said["article"])) or not 1 <= int(str(said["pieces"])) <= 99:
            raise web.HTTPUnprocessableEntity
        lines = self._order(request)["lines"]
        lines[str(len(lines) + 1)] = dict(said)
        return web.json_response({"line": {"id": len(lines)}}, status=201)

    async def line(self, request: web.Request) -> web.Response:
        if request.match_info["lineId"] not in self._order(request)["lines"]:
            raise web.HTTPNotFound
        return web.json_response({})

    async def cancel(self, request: web.Request) -> web.Response:
        self._order(request)["cancelled"] = True
        return web.json_response({}, status=202)
