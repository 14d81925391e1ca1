"""An API server that is away for a while: what happened meanwhile is found out."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from devperfops_operator.adapters.kubernetes import connect
from devperfops_operator.controller.operator import Operator
from hack.cluster import apiserver
from hack.cluster.processes import ProcessTable
from hack.kube import Kube
from tests.integration.conftest import install_crds
from tests.integration.proxy import Proxy
from tests.integration.test_controller import adopted, operating
from tests.integration.world import World, address, changed_kubeconfig, eventually, sockets_closed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture
def own_api_server(tmp_path: Path) -> Iterator[Path]:
    """The folder of an API server that the test may restart."""
    folder = tmp_path / "apiserver"
    with apiserver.running(folder) as server:
        install_crds(Kube(server.kubeconfig))
        yield folder


def restart(folder: Path) -> None:
    """Only kube-apiserver; etcd keeps what there is."""
    ProcessTable(folder / "run", folder / "log").stop(["kube-apiserver"], patience=10)
    apiserver.up(folder, owner=os.getpid())


@asynccontextmanager
async def far(kubeconfig: Path, folder: Path) -> AsyncIterator[tuple[World, Operator, Proxy]]:
    """An operator of a new namespace, and the only way it has to the API server."""
    near, namespace = await connect(str(kubeconfig)), f"test-{secrets.token_hex(4)}"
    world = World(Kube(kubeconfig), near, namespace)
    world.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    with Proxy(address(kubeconfig)) as proxy, pytest.MonkeyPatch.context() as patch:
        server = {"server": f"https://127.0.0.1:{proxy.port}"}
        through = changed_kubeconfig(kubeconfig, folder, cluster=server)
        patch.setenv("KUBECONFIG", through)
        connection = await connect(through)
        async with operating(world, connection) as operator:
            yield world, operator, proxy
        await connection.close()
    await near.close()


async def with_one_under_load_and_one_that_waits(world: World) -> None:
    await adopted(world)
    world.run("first")
    await eventually("it has begun", lambda: world.kube.find("Job", "first", world.namespace))
    world.run("second")
    await eventually("the second waits", lambda: world.phase("second") == "AwaitingRollout")


async def test_what_was_made_and_deleted_meanwhile_is_found(api_server: Path, tmp_path: Path) -> None:
    async with far(api_server, tmp_path) as (world, _, proxy):
        await with_one_under_load_and_one_that_waits(world)
        proxy.close()
        world.kube.delete("PerfRun", "first", world.namespace)
        world.run("third")
        proxy.open()

        job = partial(world.kube.find, "Job", "second", world.namespace)
        await eventually("the second begins", job, seconds=60)
        await eventually("the third is seen", lambda: world.phase("third") == "AwaitingRollout")


async def test_what_no_watch_can_tell_any_more_is_found_too(own_api_server: Path, tmp_path: Path) -> None:
    """A restarted API server has forgotten the deletion: the watch begins anew, with a list of what there is."""
    async with far(own_api_server / "admin.kubeconfig", tmp_path) as (world, operator, proxy):
        await with_one_under_load_and_one_that_waits(world)
        proxy.close()
        world.kube.delete("PerfRun", "first", world.namespace)
        await asyncio.to_thread(restart, own_api_server)
        proxy.open()

        job = partial(world.kube.find, "Job", "second", world.namespace)
        await eventually("the second begins", job, seconds=60)
        assert operator.find_run(world.namespace, "first") is None


async def test_a_slow_api_server_gets_the_same_objects_once(api_server: Path, tmp_path: Path) -> None:
    async with far(api_server, tmp_path) as (world, _, proxy):
        await adopted(world)
        proxy.delay_s = 2.0
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs, seconds=60)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace), seconds=60)

        await world.deploy("podinfo:3")

        await eventually("it is superseded", lambda: world.phase(name) == "Superseded", seconds=60)
        await eventually("a second run", lambda: len(world.runs()) == 2, seconds=60)
        assert world.events(name).count("Accepted") == 1
