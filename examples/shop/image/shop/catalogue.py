"""What there is to buy."""

from __future__ import annotations

from aiohttp import web

from shop.service import Service


class Catalogue:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/articles", self._list), web.get("/articles/{articleId}", self._one)]

    async def _list(self, request: web.Request) -> web.Response:
        """A page of them, or those of the given ids."""
        database, ids = self._service.database, request.query.get("ids")
        if ids is None:
            found = await database.fetch("SELECT id, name, cents FROM articles ORDER BY id LIMIT 20")
        else:
            wanted = [int(each) for each in ids.split(",")]
            found = await database.fetch(
                "SELECT id, name, cents FROM articles WHERE id = ANY($1) ORDER BY id", wanted
            )
        return web.json_response([dict(each) for each in found])

    async def _one(self, request: web.Request) -> web.Response:
        article = int(request.match_info["articleId"])
        found = await self._service.database.fetchrow(
            "SELECT id, name, cents FROM articles WHERE id = $1", article
        )
        if found is None:
            raise web.HTTPNotFound(text=f"no article {article}")
        return web.json_response(dict(found))
