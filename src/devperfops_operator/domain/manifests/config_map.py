"""Reading a ConfigMap: its content, and when that was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from devperfops_operator.domain.digest import digest
from devperfops_operator.domain.manifests.config_copy import config_content

_CONTENT: Final = ("f:data", "f:binaryData")


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """What a revision has to know of one. `written_at`: when its content last changed, as far as is recorded.

    `immutable`: the kubelet does not look at it again.
    """

    name: str
    digest: str
    written_at: datetime
    immutable: bool = False


def read_config_map(stored: Mapping[str, Any]) -> ConfigMap:
    metadata = stored["metadata"]
    return ConfigMap(
        name=metadata["name"],
        digest=digest(config_content(stored)),
        written_at=_written_at(metadata),
        immutable=bool(stored.get("immutable")),
    )


def _written_at(metadata: Mapping[str, Any]) -> datetime:
    """By the API server's clock, in whole seconds."""
    times = [
        entry["time"]
        for entry in metadata.get("managedFields") or ()
        if "time" in entry and any(field in entry.get("fieldsV1", {}) for field in _CONTENT)
    ]
    return max(datetime.fromisoformat(time) for time in [metadata["creationTimestamp"], *times])
