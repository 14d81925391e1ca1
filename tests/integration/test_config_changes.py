"""ConfigMaps that change alone, from what people do to what the controller makes of it, on a real API server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devperfops_operator.adapters.kubernetes import connect
from devperfops_operator.domain.manifests.template import RESTARTED_AT
from tests.integration.operating import operating, ready
from tests.integration.proxy import Proxy
from tests.integration.world import GATE, World, address, changed_kubeconfig, eventually, sockets_closed

ENV = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
MOUNT = {"volumeMounts": [{"name": "settings", "mountPath": "/settings"}]}
VOLUMES = [{"name": "settings", "configMap": {"name": "settings", "optional": True}}]


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture(autouse=True)
def supplied(tidy: None, world: World) -> None:  # noqa: ARG001  tidy looks at what is left at the very end
    """With a test plan and a Service."""
    world.config_map()
    world.service()


def configure(world: World, value: str) -> None:
    metadata = {"name": "settings", "namespace": world.namespace}
    if world.kube.find("ConfigMap", "settings", world.namespace) is None:
        world.kube.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}
        )
    else:
        world.kube.patch("ConfigMap", "settings", world.namespace, {"data": {"a": value}})


async def restart(world: World) -> None:
    """`kubectl rollout restart`, to the end."""
    annotations = {"metadata": {"annotations": {RESTARTED_AT: secrets.token_hex(4)}}}
    world.kube.patch("Deployment", GATE, world.namespace, {"spec": {"template": annotations}})
    await world.start_pods()


async def adopted(world: World, container: dict[str, Any], volumes: list[Any] | None = None) -> str:
    """A known-good revision whose pods read the ConfigMap `settings`."""
    configure(world, "1")
    world.release("podinfo:1")
    spec: dict[str, Any] = {"containers": [{"name": "app", "image": "podinfo:1", **container}]}
    spec |= {"volumes": volumes} if volumes else {}
    world.kube.patch("Deployment", GATE, world.namespace, {"spec": {"template": {"spec": spec}}})
    await world.start_pods()
    world.gate()
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
    return revision(world)


def revision(world: World) -> str:
    return str(world.status("PerfGate", GATE)["target"]["revision"])


def not_loaded(world: World) -> bool:
    return world.condition("Stalled") == ("True", "ConfigNotLoaded")


async def test_a_live_volume_that_changes_starts_a_run_after_the_kubelets_time(world: World) -> None:
    async with operating(world, timeouts={"configSync": "3s"}):
        before = await adopted(world, MOUNT, VOLUMES)
        configure(world, "2")
        await eventually("it waits", lambda: world.condition("Reconciling") == ("True", "ConfigChanged"))
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))

    assert world.status("PerfRun", name)["revision"] == revision(world) != before


async def test_what_is_read_at_the_start_is_tested_after_a_restart(world: World) -> None:
    async with operating(world):
        await adopted(world, ENV)
        configure(world, "2")
        await eventually("it is told", lambda: not_loaded(world))
        assert world.runs() == []
        loaded = revision(world)
        await eventually("an event", lambda: "ConfigNotLoaded" in world.events(GATE))

        await restart(world)

        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
        assert world.status("PerfRun", name)["revision"] == revision(world) == loaded
        assert not not_loaded(world)


async def test_pods_that_are_replaced_without_a_restart_count_too(world: World) -> None:
    async with operating(world):
        await adopted(world, ENV)
        configure(world, "2")
        await eventually("it is told", lambda: not_loaded(world))

        await world.start_pods()
        world.kube.patch("Deployment", GATE, world.namespace, {"metadata": {"labels": {"looked": "at"}}})

        await eventually("a run", world.runs)


async def test_a_config_map_that_is_only_touched_is_no_new_revision(world: World) -> None:
    async with operating(world):
        before = await adopted(world, ENV)
        world.kube.patch("ConfigMap", "settings", world.namespace, {"metadata": {"labels": {"team": "shop"}}})
        configure(world, "1")
        world.run("by-hand")
        await eventually("it has begun", lambda: world.kube.find("Job", "by-hand", world.namespace))

    assert world.runs() == ["by-hand"]
    assert world.status("PerfRun", "by-hand")["revision"] == revision(world) == before


async def test_a_change_under_a_run_supersedes_it(world: World) -> None:
    async with operating(world, timeouts={"configSync": "1s"}):
        await adopted(world, MOUNT, VOLUMES)
        configure(world, "2")
        (older,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", older, world.namespace))

        configure(world, "3")

        await eventually("it is superseded", lambda: world.phase(older) == "Superseded")
        await eventually("a second run", lambda: len(world.runs()) == 2)


async def test_what_changes_or_goes_while_the_operator_is_away_is_found(world: World) -> None:
    async with operating(world):
        before = await adopted(world, ENV)
    configure(world, "2")

    async with operating(world):
        await eventually("it is told", lambda: not_loaded(world))
        changed = revision(world)
    world.kube.delete("ConfigMap", "settings", world.namespace)

    async with operating(world):
        await eventually("the revision is another", lambda: revision(world) not in {before, changed})
        await eventually("it is told", lambda: not_loaded(world))

        configure(world, "1")

        await eventually("the revision is the first", lambda: revision(world) == before)
        await restart(world)
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
    assert world.runs() == []


async def test_what_changes_while_the_api_server_is_away_is_found(
    world: World, api_server: Path, tmp_path: Path
) -> None:
    with Proxy(address(api_server)) as proxy:
        cluster = {"server": f"https://127.0.0.1:{proxy.port}"}
        through = await connect(changed_kubeconfig(api_server, tmp_path, cluster=cluster))
        async with operating(world, through):
            before = await adopted(world, ENV)
            proxy.close()
            configure(world, "2")
            proxy.open()

            await eventually("the revision is another", lambda: revision(world) != before)
            await eventually("it is told", lambda: not_loaded(world))
        await through.close()


async def test_a_plan_that_breaks_in_place_is_told_at_once(world: World) -> None:
    async with operating(world):
        await adopted(world, ENV)

        world.kube.patch("ConfigMap", "scenario", world.namespace, {"data": {"scenario.jmx": "no XML"}})

        await eventually(
            "it is told", lambda: world.condition("Stalled") == ("True", "PlanInvalid"), seconds=10
        )


async def test_another_scenario_starts_a_run_of_what_failed(world: World) -> None:
    """As with a configMapGenerator: new content has a new name, and the gate refers to it."""
    async with operating(world):
        await adopted(world, ENV)
        await world.deploy("podinfo:2")
        (first,) = await eventually("a run", world.runs)
        world.kube.patch("PerfRun", first, world.namespace, {"spec": {"cancel": True}})
        await eventually("it is over", lambda: world.phase(first) == "Cancelled")
        scenario = world.kube.get("ConfigMap", "scenario", world.namespace)
        metadata = {"name": "scenario-5f7k2", "namespace": world.namespace}
        world.kube.create({**scenario, "metadata": metadata})

        world.edit_gate({"load": {"jmeter": {"plan": {"configMap": "scenario-5f7k2"}}}})

        await eventually("another run", lambda: len(world.runs()) == 2)


async def test_without_the_watch_content_counts_when_the_template_changes(world: World) -> None:
    async with operating(world, watch_config_maps=False):
        before = await adopted(world, ENV)
        configure(world, "2")
        world.run("by-hand")
        await eventually("it has begun", lambda: world.kube.find("Job", "by-hand", world.namespace))
        assert world.status("PerfRun", "by-hand")["revision"] == revision(world) == before

        await restart(world)

        await eventually("the revision is another", lambda: revision(world) != before)
