"""What is judged: the pod template, and the content of the ConfigMaps its pods read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from devperfops_operator.api.perfgate import TargetStatus
from devperfops_operator.domain.manifests.config_map import ConfigMap
from devperfops_operator.domain.manifests.template import (
    config_uses,
    revision_name,
    template_hash,
    template_identity,
)

_READING = timedelta(seconds=1)
"""A container reads its configuration a moment before it is said to have started."""

ABSENT = ""
"""The digest of a ConfigMap that does not exist."""


@dataclass(frozen=True, slots=True)
class Config:
    """A ConfigMap that the pods read.

    `changed_at`: pods whose containers started earlier may have older content; None: no pod has.
    `at_start`: why running pods do not follow; nothing: they do, at `fresh_at` at the latest.
    """

    name: str
    digest: str
    changed_at: datetime | None = None
    at_start: tuple[str, ...] = ()
    fresh_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """Of one Deployment at one generation."""

    uid: str
    generation: int
    template_hash: str
    template_identity: str
    configs: tuple[Config, ...] = ()

    @property
    def name(self) -> str:
        """Template and content of the ConfigMaps, not who has loaded them."""
        there = {config.name: config.digest for config in self.configs if config.digest != ABSENT}
        return revision_name(self.template_identity, there)

    @property
    def unloaded(self) -> tuple[Config, ...]:
        """What running pods may have older content of."""
        return tuple(config for config in self.configs if config.changed_at is not None)

    def describes(self, deployment: Mapping[str, Any]) -> bool:
        """Whether it is of the Deployment as it is."""
        metadata = deployment["metadata"]
        return (self.uid, self.generation) == (metadata["uid"], metadata["generation"])


def next_revision(
    before: Revision | None,
    deployment: Mapping[str, Any],
    found: Mapping[str, ConfigMap | None],
    now: datetime,
) -> Revision:
    """`found`: what the template's ConfigMaps are now; None: there is no such ConfigMap.

    The template's part is kept as long as the generation is, whatever defaults a newer API server adds.
    """
    metadata, template = deployment["metadata"], deployment["spec"]["template"]
    whole = template_hash(template)
    same_pods = before is not None and (before.uid, before.template_hash) == (metadata["uid"], whole)
    known = {config.name: config for config in before.configs} if before is not None and same_pods else None
    kept = before is not None and before.describes(deployment)
    return Revision(
        uid=metadata["uid"],
        generation=metadata["generation"],
        template_hash=whole,
        template_identity=before.template_identity if before and kept else template_identity(template),
        configs=tuple(
            _config(name, found[name], at_start, known, now)
            for name, at_start in config_uses(template).items()
        ),
    )


def _config(
    name: str,
    found: ConfigMap | None,
    at_start: tuple[str, ...],
    known: Mapping[str, Config] | None,
    now: datetime,
) -> Config:
    """`known`: as last seen under the same template; None: these pods are new to us."""
    content = ABSENT if found is None else found.digest
    if known is None:
        changed_at = None if found is None else found.written_at
    else:
        before = known.get(name)
        changed_at = before.changed_at if before is not None and before.digest == content else now + _READING
    return Config(name, content, changed_at, (*at_start, *_fixed(found)))


def _fixed(found: ConfigMap | None) -> tuple[str, ...]:
    if found is None:
        return ("it does not exist",)
    return ("it is immutable",) if found.immutable else ()


def settled(revision: Revision, started: datetime | None, now: datetime, sync: timedelta) -> Revision:
    """Without the marks of what all pods have by now.

    `started`: when the first of all their containers did, in whole seconds; None: not known. `sync`: how
    long the kubelet takes at most to bring a change into a volume.
    """
    return replace(
        revision, configs=tuple(_settled(config, started, now, sync) for config in revision.configs)
    )


def _settled(config: Config, started: datetime | None, now: datetime, sync: timedelta) -> Config:
    if config.changed_at is None:
        return config
    fresh_at = None if config.at_start else config.changed_at + sync
    restarted = started is not None and started >= config.changed_at
    if restarted or (fresh_at is not None and now >= fresh_at):
        return replace(config, changed_at=None, fresh_at=None)
    return replace(config, fresh_at=fresh_at)


def recorded(target: TargetStatus | None) -> Revision | None:
    """As a gate's status keeps it; None: not at all, or not as it has to be known now."""
    if target is None or not target.template_identity:
        return None
    return Revision(
        uid=target.uid,
        generation=target.generation,
        template_hash=target.template_hash,
        template_identity=target.template_identity,
        configs=tuple(Config(each.name, each.digest, each.changed_at) for each in target.configs),
    )
