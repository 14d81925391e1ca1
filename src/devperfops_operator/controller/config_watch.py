"""Hears of changed ConfigMaps by their metadata alone; after an error it lists anew, ever more patiently."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final, NoReturn

from devperfops_operator.adapters.kubernetes import Cluster
from devperfops_operator.controller.configs import Configs
from devperfops_operator.domain.errors import DevPerfOpsError

_FIRST_DELAY_SECONDS: Final = 1.0
_LONGEST_DELAY_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


async def watch_configs(cluster: Cluster, configs: Configs, namespaces: Sequence[str]) -> None:
    """Until it is cancelled; without namespaces in all of them."""
    async with asyncio.TaskGroup() as group:
        for namespace in namespaces or (None,):
            group.create_task(_watch(cluster, configs, namespace))


async def _watch(cluster: Cluster, configs: Configs, namespace: str | None) -> NoReturn:
    delay = _FIRST_DELAY_SECONDS
    while True:
        try:
            async with aclosing(cluster.follow("ConfigMap", namespace)) as events:
                async for event in events:
                    configs.hear(event, namespace)
                    delay = _FIRST_DELAY_SECONDS
        except DevPerfOpsError as error:
            _log.warning("changes of ConfigMaps are not seen: %s; again in %.0f s", error, delay)
        await asyncio.sleep(delay)
        delay = min(2 * delay, _LONGEST_DELAY_SECONDS)
