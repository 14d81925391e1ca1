"""What there is and what changes, without its content: the API server leaves out all but the metadata."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from devperfops_operator.adapters.kubernetes.connection import Connection
from devperfops_operator.adapters.kubernetes.failures import failure
from devperfops_operator.adapters.kubernetes.resources import Resource

_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_WATCH: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_PAGE: Final = 500
_WATCH_SECONDS: Final = 300
_SILENCE_SECONDS: Final = 30


class Seen(NamedTuple):
    """An object was made, changed or deleted; `version` is what it is since then."""

    namespace: str
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects of a kind, by namespace and name, as of `version`."""

    objects: Mapping[tuple[str, str], int]
    version: int


async def follow(
    connection: Connection,
    resource: Resource,
    namespace: str | None,
    *,
    watch_s: int = _WATCH_SECONDS,
    silence_s: int = _SILENCE_SECONDS,
) -> AsyncGenerator[Listed | Seen]:
    """First all there is, then every change, in one namespace or (None) in all; it ends by an error only.

    The server ends each watch after `watch_s`. One that lasts `silence_s` longer has died in silence.
    After an error, whatever it was (410: the server has forgotten that moment), begin anew.

    Raises Refused or Unavailable.
    """
    path = resource.path(namespace)
    listed = await _list(connection, path)
    since = listed.version
    yield listed
    del listed  # thousands of names, of no use while the watch lasts
    while True:
        query = {
            "watch": "true",
            "resourceVersion": str(since),
            "timeoutSeconds": str(watch_s),
            "allowWatchBookmarks": "true",
        }
        events = connection.stream(path, query=query, accept=_WATCH, timeout_s=watch_s + silence_s)
        async for event in events:
            seen = _seen(event, path)
            since = seen.version
            if event["type"] != "BOOKMARK":
                yield seen


async def _list(connection: Connection, path: str) -> Listed:
    objects: dict[tuple[str, str], int] = {}
    query = {"limit": str(_PAGE)}
    while True:
        page = await connection.request("GET", path, query=query, accept=_LIST)
        for item in page["items"] or ():  # null if there are none
            namespace, name, version = _identity(item)
            objects[namespace, name] = version
        following = page["metadata"].get("continue")
        if not following:
            return Listed(objects, int(page["metadata"]["resourceVersion"]))
        query["continue"] = following


def _seen(event: Mapping[str, Any], path: str) -> Seen:
    if event["type"] == "ERROR":
        status = event["object"]
        code = status.get("code", HTTPStatus.INTERNAL_SERVER_ERROR)
        raise failure(code, json.dumps(status).encode(), f"watch {path}")
    return _identity(event["object"])


def _identity(raw: Mapping[str, Any]) -> Seen:
    metadata = raw["metadata"]
    return Seen(metadata.get("namespace", ""), metadata.get("name", ""), int(metadata["resourceVersion"]))
