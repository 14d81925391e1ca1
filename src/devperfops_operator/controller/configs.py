"""The ConfigMaps that revisions depend on: read when first needed, and again after every change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from devperfops_operator.adapters.kubernetes import Cluster, Listed, Seen
from devperfops_operator.domain.manifests.config_map import ConfigMap, read_config_map

_UNREAD: Final = -1


@dataclass(slots=True)
class _Known:
    """`seen`: the newest version heard of; `read`: the one we have looked at."""

    seen: int = 0
    read: int = _UNREAD
    config: ConfigMap | None = None


class Configs:
    """Keeps digests, never content, and only of what somebody has asked for.

    `changed` hears, synchronously, the namespace and name of each that is no longer as it was read, and says
    whether anybody still needs it. Without a watch nothing is heard, and only `read` sees what is new.
    """

    def __init__(self, cluster: Cluster, changed: Callable[[str, str], bool]) -> None:
        self._cluster = cluster
        self._changed = changed
        self._known: dict[tuple[str, str], _Known] = {}

    async def read(self, namespace: str, name: str) -> ConfigMap | None:
        """As it is now; None: there is none."""
        known = self._known.setdefault((namespace, name), _Known())
        seen = known.seen
        stored = await self._cluster.get("ConfigMap", namespace, name)
        # An absence has no version. It is as new as anything we had heard of before.
        version = max(seen, known.read) if stored is None else int(stored["metadata"]["resourceVersion"])
        config = None if stored is None else read_config_map(stored)
        if version >= known.read:
            known.read, known.config = version, config
        return config

    async def recall(self, namespace: str, name: str) -> ConfigMap | None:
        """As it was read last, unless it is known to have changed."""
        known = self._known.get((namespace, name))
        if known is None or known.read < known.seen or known.read == _UNREAD:
            return await self.read(namespace, name)
        return known.config

    def version(self, namespace: str, name: str) -> int:
        """The newest version heard of: another one whenever it changes."""
        return self._known.setdefault((namespace, name), _Known()).seen

    def hear(self, event: Listed | Seen, within: str | None) -> None:
        """What the watch says, of one namespace or (None) of all."""
        match event:
            case Seen(namespace, name, version):
                self._notice((namespace, name), version)
            case Listed(objects, version):
                for key in [key for key in self._known if within in {None, key[0]}]:
                    self._notice(key, objects.get(key, version))

    def _notice(self, key: tuple[str, str], version: int) -> None:
        known = self._known.get(key)
        if known is None or version <= known.seen:
            return
        known.seen = version
        if known.read < version and not self._changed(*key):
            del self._known[key]
