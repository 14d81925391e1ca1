"""The controller at work in a namespace, and what one waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from devperfops_operator.adapters.kubernetes import Cluster, Connection
from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.api.settings import ImageSettings, Settings
from devperfops_operator.controller.operator import Operator
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.main import receivers
from tests.integration.world import World, eventually


def operating(
    world: World,
    connection: Connection | None = None,
    evidence: EvidenceStore | None = None,
    registry: CollectorRegistry | None = None,
    **changes: Any,
) -> AbstractAsyncContextManager[Operator]:
    """A controller that watches the namespace, and acts with this connection, for the length of the block.

    `changes`: settings of its own. `evidence`: where workers deliver. `registry`: of its metrics.
    """
    settings = Settings(
        operator_url="http://operator:8080",
        images=ImageSettings(operator="operator:1", jmeter="jmeter:1"),
        namespaces=(world.namespace,),
        **changes,
    )
    operator = Operator(
        settings=settings,
        cluster=Cluster(connection or world.connection),
        metrics=PrometheusMetrics(settings.prometheus),
        receivers=receivers(settings.notifications),
        evidence=evidence or EvidenceStore(),
        telemetry=Telemetry(registry or CollectorRegistry()),
    )
    return running(operator)


@asynccontextmanager
async def running(operator: Operator) -> AsyncIterator[Operator]:
    task = asyncio.create_task(operator.run())
    try:
        yield operator
    finally:
        operator.stop()
        await task


def ready(world: World, reason: str) -> bool:
    return world.condition("Ready") == ("True", reason)


async def adopted(world: World) -> dict[str, Any]:
    """A gate whose target runs and is adopted. Gives its snapshot."""
    world.config_map()
    world.service()
    await world.deploy("podinfo:1")
    world.gate()
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
    (snapshot,) = world.snapshots()
    return snapshot
