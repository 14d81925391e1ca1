"""References inside a document, followed by none of the scenario's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

_MOST: Final = 20


def resolved(root: Mapping[str, Any], node: Any) -> Mapping[str, Any]:
    """What a node stands for; nothing, if that is no object of this document."""
    for _ in range(_MOST):
        if not (isinstance(node, Mapping) and isinstance(node.get("$ref"), str)):
            break
        found: Any = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        node = found
    return node if isinstance(node, Mapping) else {}
