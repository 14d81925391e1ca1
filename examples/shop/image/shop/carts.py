"""What customers are about to order."""

from __future__ import annotations

from aiohttp import web

from shop.service import Service


class Carts:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/carts/{customerId}/lines", self._lines),
            web.post("/carts/{customerId}/lines", self._add),
            web.delete("/carts/{customerId}/lines/{lineId}", self._remove),
        ]

    async def _lines(self, request: web.Request) -> web.Response:
        found = await self._service.database.fetch(
            "SELECT id, article, pieces FROM cart_lines WHERE customer = $1 ORDER BY id LIMIT 20",
            int(request.match_info["customerId"]),
        )
        lines = [{"id": each["id"], "articleId": each["article"], "pieces": each["pieces"]} for each in found]
        return web.json_response(lines)

    async def _add(self, request: web.Request) -> web.Response:
        line = await request.json()
        made = await self._service.database.fetchval(
            "INSERT INTO cart_lines (customer, article, pieces) VALUES ($1, $2, $3) RETURNING id",
            int(request.match_info["customerId"]),
            int(line["articleId"]),
            int(line["pieces"]),
        )
        return web.json_response({"id": made, **line}, status=web.HTTPCreated.status_code)

    async def _remove(self, request: web.Request) -> web.Response:
        await self._service.database.execute(
            "DELETE FROM cart_lines WHERE customer = $1 AND id = $2",
            int(request.match_info["customerId"]),
            int(request.match_info["lineId"]),
        )
        return web.Response(status=web.HTTPNoContent.status_code)
