"""Tells what happened as Kubernetes events: each once, under a name that follows from what it tells."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.controller.keys import Key
from devperfops_operator.domain.errors import DevPerfOpsError, Unavailable

Event = Mapping[str, Any]

_log = logging.getLogger(__name__)


class Narrator:
    """Remembers what it has told, as long as it stands: what comes back later is told again.

    After a restart the API server knows it by the events' names.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._told: dict[Key, set[str]] = {}

    def assume_told(self, key: Key, events: Sequence[Event]) -> None:
        """What an object says when we first see it was told in an earlier life."""
        self._told.setdefault(key, {_name(event) for event in events})

    async def tell(self, key: Key, events: Sequence[Event]) -> bool:
        """Create those that are not told yet. False: ask again later. What is refused stops nothing."""
        told = self._told.setdefault(key, set())
        for event in events:
            if _name(event) in told:
                continue
            try:
                await self._cluster.create(event)
            except Unavailable as error:
                _log.warning("%s; the events will be told later", error)
                return False
            except DevPerfOpsError as error:
                _log.warning("an event cannot be told: %s", error)
            told.add(_name(event))
        told &= {_name(event) for event in events}
        return True

    def forget(self, key: Key) -> None:
        self._told.pop(key, None)


def _name(event: Event) -> str:
    return str(event["metadata"]["name"])
