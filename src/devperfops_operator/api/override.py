"""An override: a person lets a revision stand that did not pass."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from devperfops_operator.api import rules
from devperfops_operator.api.base import ApiModel, Line, Timestamp, Word


class Override(ApiModel):
    """Lets one revision stand as if it had passed. What became known-good by it stays it afterwards."""

    revision: Annotated[str, Field(max_length=64), rules.REVISION]
    """The revision, as in the gate's status and its runs."""
    reason: Annotated[str, Field(max_length=256), rules.not_empty("is empty: write why it may stand")]
    """Why, for whoever asks later."""
    by: Annotated[str | None, Field(max_length=256)] = None
    """Who says so, by their own account; the API server's audit log knows who wrote it."""
    expires: Annotated[Timestamp, WithJsonSchema({"type": "string", "maxLength": 40}), rules.MOMENT]
    """Until when it counts for what is decided, such as 2026-11-25T18:00:00Z."""


class OverrideStatus(ApiModel):
    """The last override that was honoured."""

    revision: Word
    reason: Line
    by: Line | None = None
    expires: Timestamp
    honoured_at: Timestamp
