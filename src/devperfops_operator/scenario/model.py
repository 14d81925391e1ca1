"""What a document offers, in one form for all three dialects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Where(StrEnum):
    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True)
class Parameter:
    """`style` and `explode` as in OpenAPI 3; `content`: the media type that its value is written in."""

    name: str
    where: Where
    required: bool
    schema: Any
    examples: Sequence[Any] = ()
    style: str = "simple"
    explode: bool = False
    content: str | None = None


@dataclass(frozen=True)
class Body:
    """`media_type` is the one of those offered that is sent."""

    media_type: str
    schema: Any
    examples: Sequence[Any] = ()


@dataclass(frozen=True)
class Link:
    """What a response hands on: `parameters`, by expressions, of the operation `to` (its id or its place)."""

    to: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Response:
    """`code` as documented: `200`, `2XX` or `default`."""

    code: str
    schema: Any = None
    headers: Sequence[str] = ()
    links: Sequence[Link] = ()


class Kind(StrEnum):
    """Ways to show who asks."""

    API_KEY = "apiKey"
    BASIC = "basic"
    BEARER = "bearer"
    CLIENT_CREDENTIALS = "clientCredentials"


@dataclass(frozen=True)
class Scheme:
    """`key`: what the document calls it. For an API key `name` and `where`; else the address of tokens."""

    key: str
    kind: Kind
    name: str = ""
    where: Where = Where.HEADER
    token_url: str = ""


@dataclass(frozen=True)
class Operation:
    """`security`: alternatives, each of schemes that are all needed; empty: nobody asks."""

    method: str
    path: str
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    responses: Sequence[Response] = ()
    security: Sequence[Sequence[str]] = ()
    operation_id: str = ""
    left_out: str | None = None
    """Why the document itself says that it is not to be played."""

    @property
    def key(self) -> str:
        """`GET /orders/{orderId}`: its name in a plan, an overlay, a table."""
        return f"{self.method} {self.path}"

    @property
    def successes(self) -> Sequence[Response]:
        """Documented successes; if there are none, what holds for all other codes."""
        good = [each for each in self.responses if each.code[:1] in {"2", "3"}]
        return good or [each for each in self.responses if each.code == "default"]

    @property
    def path_parameters(self) -> Sequence[Parameter]:
        return [each for each in self.parameters if each.where is Where.PATH]


@dataclass(frozen=True)
class Skipped:
    """An operation that is not played, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Offer:
    """All of a document."""

    title: str
    base_path: str
    operations: Sequence[Operation]
    unreadable: Sequence[Skipped]
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    other_schemes: Mapping[str, str] = field(default_factory=dict)
    """Those that cannot be used, and why."""
