"""Pod templates: what is compared, hashed and put back."""

from __future__ import annotations

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
    return frozenset(_references(template.get("spec", {})))


def _references(pod: Mapping[str, Any]) -> Iterator[str]:
    for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
        for source in container.get("envFrom", []):
            yield from _name(source.get("configMapRef"))
        for variable in container.get("env", []):
            yield from _name(variable.get("valueFrom", {}).get("configMapKeyRef"))
    for volume in pod.get("volumes", []):
        yield from _name(volume.get("configMap"))
        for source in volume.get("projected", {}).get("sources", []):
            yield from _name(source.get("configMap"))


def _name(reference: Mapping[str, Any] | None) -> Iterator[str]:
    if reference and "name" in reference:
        yield reference["name"]


def without_restart(template: Template) -> Template:
    """The template without the mark that `kubectl rollout restart` leaves."""
    metadata = template.get("metadata", {})
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k != RESTARTED_AT}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**template, "metadata": {**rest, "annotations": annotations} if annotations else rest}


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_REVISION_DIGITS]
