"""What every pod's status tells in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def disruption(condition: Mapping[str, Any]) -> str | None:
    """Why this condition says that the pod is taken away (evicted, preempted, drained); None: it does not."""
    if condition["type"] != "DisruptionTarget" or condition["status"] != "True":
        return None
    return str(condition.get("message") or condition.get("reason", ""))
