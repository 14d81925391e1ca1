"""What the API server says when it will not, in our own terms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from devperfops_operator.domain.errors import Conflict, DevPerfOpsError, Refused, Unavailable

_LATER = frozenset({401, 408, 429})


class NotFound(Refused):
    """There is no such object, or no such kind of object."""


class AlreadyExists(Conflict):
    """An object of that name is there already."""


def failure(status: int, body: bytes, doing: str) -> DevPerfOpsError:
    """The error that stands for a response of at least 400. `doing` names the request."""
    answer = _status_object(body)
    reason = str(answer.get("reason") or f"HTTP{status}")
    message = f"{doing}: {answer.get('message') or body[:500].decode(errors='replace')}"
    if status in _LATER or status >= 500:  # noqa: PLR2004  server errors
        return Unavailable(message)
    if status == 404:  # noqa: PLR2004
        return NotFound(reason, message)
    if status == 409:  # noqa: PLR2004
        return AlreadyExists(message) if reason == "AlreadyExists" else Conflict(message)
    if status == 422 and _failed_patch_test(answer):  # noqa: PLR2004
        return Conflict(f"{doing}: the object has changed meanwhile (a `test` of the JSON Patch failed)")
    return Refused(reason, message)


def _failed_patch_test(answer: Mapping[str, Any]) -> bool:
    """An invalid object names its causes; a failed `test` operation has nothing to name."""
    return answer.get("reason") == "Invalid" and not (answer.get("details") or {}).get("causes")


def _status_object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
