"""Pod templates: what is compared, hashed and put back."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from devperfops_operator.domain.digest import digest

Template = Mapping[str, Any]
"""A Deployment's `spec.template`, exactly as stored."""

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def template_hash(template: Template) -> str:
    """Identity of a template as stored, restarts included."""
    return digest(template)


def template_identity(template: Template) -> str:
    """The template's part of a revision: a `kubectl rollout restart` does not change it."""
    return digest(without_restart(template))


def revision_of(template: Template, configs: Mapping[str, Mapping[str, str]]) -> str:
    """The revision: template and content of the ConfigMaps it references.

    `configs` maps the names that `referenced_config_maps` gives to their data; a missing ConfigMap is
    simply absent.
    """
    return revision_name(template_identity(template), {name: digest(data) for name, data in configs.items()})


def revision_name(identity: str, configs: Mapping[str, str]) -> str:
    """Likewise, from the template's identity and the ConfigMaps' digests."""
    return digest({"template": identity, "configs": configs})


def referenced_config_maps(template: Template) -> frozenset[str]:
    """Names of the ConfigMaps the pods read, through volumes, env or envFrom."""
    return frozenset(config_uses(template))


def config_uses(template: Template) -> Mapping[str, tuple[str, ...]]:
    """The ConfigMaps the pods read, by name, with those of their uses that running pods do not follow.

    The kubelet brings a change into a volume that is mounted whole. Everything else is read when a container
    starts, and what an init container has read is read for good.
    """
    uses: defaultdict[str, set[str]] = defaultdict(set)
    for at_start, reference in _references(template.get("spec", {})):
        uses[reference["name"]].update(at_start)
    return {name: tuple(sorted(at_start)) for name, at_start in sorted(uses.items())}


def with_config_maps(template: Template, names: Mapping[str, str]) -> Template:
    """The template reading the ConfigMaps that `names` gives for those it reads; the others stay."""
    changed = copy.deepcopy(dict(template))
    for _, reference in _references(changed.get("spec", {})):
        reference["name"] = names.get(reference["name"], reference["name"])
    return changed


def _references(pod: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each with what pods read through it at their start only."""
    for container in _containers(pod):
        for source in container.get("envFrom", []):
            yield from _named(source.get("configMapRef"), ("envFrom",))
        for variable in container.get("env", []):
            yield from _named(variable.get("valueFrom", {}).get("configMapKeyRef"), ("env",))
    for volume in pod.get("volumes", []):
        at_start = tuple(_fixed_mounts(pod, volume.get("name", "")))
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            yield from _named(source.get("configMap"), at_start)


def _fixed_mounts(pod: Mapping[str, Any], volume: str) -> Iterator[str]:
    for container in _containers(pod):
        goes_on = container in pod.get("containers", []) or container.get("restartPolicy") == "Always"
        for mount in container.get("volumeMounts", []):
            if mount["name"] == volume and ("subPath" in mount or "subPathExpr" in mount):
                yield "a subPath mount"
            elif mount["name"] == volume and not goes_on:
                yield "an init container"


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def _named(
    reference: dict[str, Any] | None, at_start: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if reference and "name" in reference:
        yield at_start, reference


def without_restart(template: Template) -> Template:
    """The template without the mark that `kubectl rollout restart` leaves."""
    metadata = template.get("metadata", {})
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k != RESTARTED_AT}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return {**template, "metadata": {**rest, "annotations": annotations} if annotations else rest}
