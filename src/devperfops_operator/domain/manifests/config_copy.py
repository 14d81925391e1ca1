"""Copies of ConfigMaps for the primary: immutable, named after their content, gone with the primary."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from devperfops_operator.domain.manifests.common import MANAGED_BY
from devperfops_operator.domain.manifests.template import Template, referenced_config_maps

Raw = Mapping[str, Any]

PRIMARY_LABEL: Final = "devperfops.io/primary"
_MAX_NAME: Final = 253
_HASH_DIGITS: Final = 10


def config_content(config_map: Raw) -> Mapping[str, str]:
    """Its data, text and binary (decoded as Latin-1) alike."""
    binary = {
        key: base64.b64decode(value).decode("latin-1")
        for key, value in (config_map.get("binaryData") or {}).items()
    }
    return {**(config_map.get("data") or {}), **binary}


def copy_name(config_map: Raw, primary: str) -> str:
    """`{name}-{primary}-{hash of the content}`; a long name is cut, so the hash is over the name, too."""
    name = str(config_map["metadata"]["name"])
    content = [name, config_map.get("data") or {}, config_map.get("binaryData") or {}]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_HASH_DIGITS]
    suffix = f"-{primary}-{digest}"
    return name[: _MAX_NAME - len(suffix)].rstrip("-.") + suffix


def config_copy(config_map: Raw, primary: str, uid: str) -> dict[str, Any]:
    """What is created; `uid` is the primary's."""
    metadata = config_map["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": copy_name(config_map, primary),
            "namespace": metadata["namespace"],
            "labels": {**MANAGED_BY, PRIMARY_LABEL: primary},
            # Not blocking, which would ask for a right over the Deployment's finalizers.
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": primary, "uid": uid}],
        },
        "immutable": True,
        **{key: config_map[key] for key in ("data", "binaryData") if config_map.get(key)},
    }


def copies_selector(primary: str) -> str:
    """Finds all copies made for a primary."""
    return ",".join(f"{key}={value}" for key, value in {**MANAGED_BY, PRIMARY_LABEL: primary}.items())


def unused_copies(copies: Iterable[Raw], uid: str, templates: Iterable[Template]) -> tuple[str, ...]:
    """Names of those the primary `uid` owns and no template reads.

    `templates`: the primary's and those of its ReplicaSets, to which `kubectl rollout undo` may go back.
    """
    used = frozenset[str]().union(*map(referenced_config_maps, templates))
    owned = (each["metadata"] for each in copies if _owned_by(each, uid))
    return tuple(sorted(metadata["name"] for metadata in owned if metadata["name"] not in used))


def _owned_by(copy: Raw, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in copy["metadata"].get("ownerReferences", []))
