"""Pod templates: what is compared, hashed and put back."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
"""A Deployment's `spec.template`, exactly as stored."""

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_REVISION_DIGITS = 10


def template_hash(template: Template) -> str:
    """Identity of a template as stored, restarts included."""
    return _digest(template)


def revision_of(template: Template, configs: Mapping[str, Mapping[str, str]]) -> str:
    """The revision: template and content of the ConfigMaps it references.

    A `kubectl rollout restart` makes no new revision. `configs` maps the names that
    `referenced_config_maps` gives to their data; a missing ConfigMap is simply absent.
    """
    return _digest({"template": without_restart(template), "configs": configs})


def referenced_config_maps(template: Template) -> frozenset[str]:
    """Names of the ConfigMaps the pods read, through volumes, env or envFrom."""
    return frozenset(reference["name"] for reference in _references(template.get("spec", {})))


def with_config_maps(template: Template, names: Mapping[str, str]) -> Template:
    """The template reading the ConfigMaps that `names` gives for those it reads; the others stay."""
    changed = copy.deepcopy(dict(template))
    for reference in _references(changed.get("spec", {})):
        reference["name"] = names.get(reference["name"], reference["name"])
    return changed


def _references(pod: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
        for source in container.get("envFrom", []):
            yield from _named(source.get("configMapRef"))
        for variable in container.get("env", []):
            yield from _named(variable.get("valueFrom", {}).get("configMapKeyRef"))
    for volume in pod.get("volumes", []):
        yield from _named(volume.get("configMap"))
        for source in volume.get("projected", {}).get("sources", []):
            yield from _named(source.get("configMap"))


def _named(reference: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    if reference and "name" in reference:
        yield reference


def without_restart(template: Template) -> Template:
    """The template without the mark that `kubectl rollout restart` leaves."""
    metadata = template.get("metadata", {})
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k != RESTARTED_AT}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**template, "metadata": {**rest, "annotations": annotations} if annotations else rest}


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_REVISION_DIGITS]
