"""Slack and a team's own webhook, on loopback: they hold to the documented rules, whoever calls them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "xoxb-a-bot-of-the-tests"
CHANNEL = "#releases"


@dataclass
class Receivers:
    """`posts`: what Slack has shown, as it would show it; `reports`: what the webhook took, by its key."""

    url: str = ""
    posts: list[str] = field(default_factory=list)
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    token: str = TOKEN
    out_of_order: int = 0  # how many of the next requests fail with 503
    tries: int = 0
    talks_without_end: bool = False

    @property
    def slack_api(self) -> str:
        return f"{self.url}/api"

    @property
    def webhook(self) -> str:
        return f"{self.url}/hook"

    async def chat_post_message(self, request: web.Request) -> web.Response:
        """https://docs.slack.dev/reference/methods/chat.postMessage."""
        self._count()
        said = dict(
            await request.json() if request.content_type == "application/json" else await request.post()
        )
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if said.get("channel") != CHANNEL:
            return web.json_response({"ok": False, "error": "channel_not_found"})
        if not said.get("text"):
            return web.json_response({"ok": False, "error": "no_text"})
        self.posts.append(_shown(said))
        return web.json_response({"ok": True, "ts": "1764000000.000100", "channel": "C1"})

    async def take_report(self, request: web.Request) -> web.Response:
        self._count()
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise web.HTTPUnauthorized
        self.reports.append((request.headers["Idempotency-Key"], await request.json()))
        if self.talks_without_end:
            await _talk(request)
        return web.Response(status=204)

    def _count(self) -> None:
        self.tries += 1
        if self.out_of_order:
            self.out_of_order -= 1
            raise web.HTTPServiceUnavailable


async def _talk(request: web.Request) -> None:
    """Until the other side has gone."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" " * (1 << 16))


def _shown(said: dict[str, Any]) -> str:
    """Plain text as a person sees it: Slack's three escapes undone, and nothing taken as markup."""
    assert str(said["mrkdwn"]).lower() in {"false", "0"}, said
    text = str(said["text"])
    assert "<" not in text, "an unescaped < begins a link or a mention"
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receivers]:
    receivers, app = Receivers(), web.Application()
    app.router.add_post("/api/chat.postMessage", receivers.chat_post_message)
    app.router.add_post("/hook", receivers.take_report)
    async with TestServer(app) as server:
        receivers.url = str(server.make_url("")).rstrip("/")
        yield receivers


def token_file(folder: Path, token: str = TOKEN) -> Path:
    """As a mounted Secret."""
    file = folder / "token"
    file.write_text(f"{token}\n")
    return file


def notifications(receivers: Receivers, folder: Path) -> dict[str, Any]:
    """The operator's settings for both."""
    secret = str(token_file(folder))
    return {
        "slack": {"tokenFile": secret, "channel": CHANNEL, "apiUrl": receivers.slack_api},
        "webhook": {"url": receivers.webhook, "tokenFile": secret},
    }
