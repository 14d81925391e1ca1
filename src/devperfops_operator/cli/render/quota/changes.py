"""What differs between two snapshots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.cli.render.parts import table
from devperfops_operator.cli.render.words import NONE, counted
from devperfops_operator.domain.quota.entry import Limit, dimensions_text, limit_json, limit_text
from devperfops_operator.domain.quota.snapshot import Change


def changes_screen(changes: Sequence[Change]) -> Group:
    """One line each; what is lower is red."""
    parts: list[RenderableType] = []
    if changes:
        parts += [table(("ENVIRONMENT", "LIMIT", "BEFORE", "NOW"), map(_row, changes)), Text()]
    lower = sum(change.lower for change in changes)
    parts.append(Text(f"{counted(len(changes), 'limit')} changed, {lower:,} of them lowered or gone"))
    return Group(*parts)


def changes_document(changes: Sequence[Change]) -> dict[str, Any]:
    """Schema devperfops.io/quota-diff/v1; null: it was or is not there."""
    return {
        "schema": "devperfops.io/quota-diff/v1",
        "changes": [
            {
                "environment": change.environment,
                "service": change.entry.service,
                "metric": change.entry.metric,
                "dimensions": dict(change.entry.dimensions),
                "unit": str(change.entry.unit),
                "before": None if change.before is None else limit_json(change.before),
                "after": None if change.after is None else limit_json(change.after),
                "lower": change.lower,
            }
            for change in changes
        ],
    }


def _row(change: Change) -> tuple[str | Text, ...]:
    entry = change.entry
    name = f"{entry.service}/{entry.metric} {dimensions_text(entry.dimensions)}".rstrip()
    now = Text(_amount(change.after, change), style="bold red" if change.lower else "green")
    return change.environment, name, _amount(change.before, change), now


def _amount(limit: Limit | None, change: Change) -> str:
    return NONE if limit is None else limit_text(limit, change.entry.unit)
