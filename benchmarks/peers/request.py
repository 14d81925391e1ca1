"""What a tool sends, in one form for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

FROM_AN_ANSWER: Final = "valueOfAnEarlierAnswer"
"""Stands where a value of an earlier answer will be."""
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class Request:
    """`path` is encoded and without its query; `query` and `headers` (by lower-case name) are not encoded."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    @classmethod
    def of(
        cls,
        method: str,
        address: str,
        headers: Mapping[str, str],
        arguments: Sequence[tuple[str, str]],
        body: str | None,
    ) -> Self:
        """JMeter puts a form's arguments into the query of a method that has no body."""
        parts = urlsplit(address)
        query = parse_qsl(parts.query, keep_blank_values=True)
        if method in _WITHOUT_BODY:
            query += arguments
        elif body is None and arguments:
            body = "&".join(f"{name}={value}" for name, value in arguments)
            headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        lower = {name.lower(): value for name, value in headers.items()}
        return cls(method, parts.path, query, lower, body)
