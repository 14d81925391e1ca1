"""A release that is played: its load's measurements are there at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from devperfops_operator.controller.operator import Operator
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.measurement import Push
from tests.api_cases import JMETER
from tests.integration.operating import ready
from tests.integration.world import World, eventually

PLAYED: Final = {f"{JMETER}.rampUp": "10s", f"{JMETER}.duration": "330s"}
"""Of a gate whose one worker plays what `tests.unit.evidence.test_compared.played` gives."""


async def adopted_first(world: World, gate: dict[str, Any]) -> None:
    """podinfo:1 is known-good; `gate`: its changes."""
    world.config_map()
    world.service()
    await world.deploy("podinfo:1")
    world.gate(gate)
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))


async def released(
    world: World, operator: Operator, evidence: EvidenceStore, image: str, push: Push
) -> dict[str, Any]:
    """The status of the run of this release, at its end."""
    before = set(world.runs())
    await world.deploy(image)
    (name,) = await eventually(f"a run of {image}", lambda: set(world.runs()) - before)
    await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
    uid = world.kube.get("PerfRun", name, world.namespace)["metadata"]["uid"]
    await eventually("evidence is collected", lambda: evidence.is_open(uid))
    evidence.prepared(uid, 0, datetime.now(UTC))
    operator.wake(world.namespace, name)
    await eventually("it runs", lambda: world.phase(name) == "Running")
    evidence.accept(uid, 0, push, datetime.now(UTC))
    operator.wake(world.namespace, name)
    await eventually("it has ended", lambda: world.phase(name) == "Completed")
    return world.status("PerfRun", name)
