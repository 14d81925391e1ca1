"""What customers have ordered. Asks carts what is in the cart, and the catalogue what articles are called."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from shop.service import Service

_LINES = """
SELECT orders.id, customer, ordered_at, article, pieces
FROM (SELECT * FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT 20) AS orders
JOIN order_lines ON order_id = orders.id
ORDER BY orders.id DESC, article
"""
_LINES_OF_ONE = """
SELECT orders.id, customer, ordered_at, article, pieces
FROM orders JOIN order_lines ON order_id = orders.id WHERE orders.id = $1 ORDER BY article
"""
_ORDER = """
WITH made AS (INSERT INTO orders (customer) VALUES ($1) RETURNING id),
     lines AS (INSERT INTO order_lines (order_id, article, pieces)
               SELECT made.id, article, pieces
               FROM made, unnest($2::int[], $3::int[]) AS line(article, pieces))
SELECT id FROM made
"""
_PAYMENT_SECONDS: Final = 0.3
"""What a provider of payments takes; it is played."""


class Orders:
    """`one_request`: the names of all articles at once; else one for each line, which is far too many.

    `paid_first`: an order is written once it is paid; else its table is locked while that takes its time.
    """

    def __init__(self, service: Service, *, one_request: bool, paid_first: bool) -> None:
        self._service = service
        self._one_request = one_request
        self._paid_first = paid_first

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/orders", self._list),
            web.post("/orders", self._create),
            web.get("/orders/{orderId}", self._one),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        """All that is in the customer's cart."""
        customer = int((await request.json())["customerId"])
        lines = await self._service.ask(f"http://carts/carts/{customer}/lines")
        if not lines:
            raise web.HTTPConflict(text=f"the cart of customer {customer} is empty")
        made = await self._ordered(
            customer, [each["articleId"] for each in lines], [each["pieces"] for each in lines]
        )
        return web.json_response({"id": made, "customerId": customer}, status=web.HTTPCreated.status_code)

    async def _ordered(self, customer: int, articles: list[int], pieces: list[int]) -> int:
        """Pay and write; returns its number."""
        if self._paid_first:
            await self._pay()
            return await self._service.database.fetchval(_ORDER, customer, articles, pieces)
        # Numbers without gaps, even if a payment fails: so one customer waits for another's payment.
        async with self._service.database.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE orders IN EXCLUSIVE MODE")
            await self._pay()
            return await connection.fetchval(_ORDER, customer, articles, pieces)

    async def _pay(self) -> None:
        await asyncio.sleep(_PAYMENT_SECONDS)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(await self._told(_LINES, int(request.query["customerId"])))

    async def _one(self, request: web.Request) -> web.Response:
        order = int(request.match_info["orderId"])
        found = await self._told(_LINES_OF_ONE, order)
        if not found:
            raise web.HTTPNotFound(text=f"no order {order}")
        return web.json_response(found[0])

    async def _told(self, query: str, key: int) -> list[dict[str, Any]]:
        """The orders that the lines belong to, in their order."""
        lines = await self._service.database.fetch(query, key)
        names = await self._names([line["article"] for line in lines])
        orders: dict[int, dict[str, Any]] = {}
        for line in lines:
            order = orders.setdefault(
                line["id"],
                {
                    "id": line["id"],
                    "customerId": line["customer"],
                    "orderedAt": line["ordered_at"].isoformat(),
                    "lines": [],
                },
            )
            order["lines"].append({"name": names[line["article"]], "pieces": line["pieces"]})
        return list(orders.values())

    async def _names(self, articles: list[int]) -> dict[int, str]:
        if not self._one_request:
            found = [await self._service.ask(f"http://catalogue/articles/{each}") for each in articles]
        elif articles:
            ids = ",".join(str(each) for each in sorted(set(articles)))
            found = await self._service.ask(f"http://catalogue/articles?ids={ids}")
        else:
            found = []
        return {each["id"]: each["name"] for each in found}
