"""Files of a gate's namespace, named by a ConfigMap and a key of it."""

from __future__ import annotations

from collections.abc import Mapping

from devperfops_operator.domain.errors import FileMissing


def text_of(config_map: str, key: str, data: Mapping[str, str] | None, *, content: str, field: str) -> str:
    """`data`: of the ConfigMap; None: there is none. `content`: what is to be in the file.

    `field`: of the gate, that names the key. Raises FileMissing.
    """
    if data is None:
        raise FileMissing(f"ConfigMap {config_map} does not exist; create it with {key}, {content}")
    if key not in data:
        raise FileMissing(lacks(config_map, data, key, field))
    return data[key]


def lacks(config_map: str, data: Mapping[str, str], key: str, field: str) -> str:
    """What to say of a key that is not there."""
    keys = ", ".join(sorted(data)) or "none"
    return f"ConfigMap {config_map} has no key {key} (keys: {keys}); set {field}"
