"""Following ConfigMaps by their metadata, against a real API server: changes, forgotten moments, dead connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from devperfops_operator.adapters.kubernetes import RESOURCES, Connection, Listed, Seen, connect
from devperfops_operator.adapters.kubernetes.metadata import follow
from devperfops_operator.domain.errors import Refused, Unavailable
from hack.kube import Kube
from tests.integration.proxy import Proxy
from tests.integration.world import address, changed_kubeconfig, sockets_closed

CONFIG_MAPS = RESOURCES["ConfigMap"]


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture
def proxy(api_server: Path) -> Iterator[Proxy]:
    with Proxy(address(api_server)) as proxy:
        yield proxy


@pytest.fixture
async def proxied(api_server: Path, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Connection]:
    changes = {"server": f"https://127.0.0.1:{proxy.port}"}
    connection = await connect(changed_kubeconfig(api_server, tmp_path, cluster=changes))
    yield connection
    await connection.close()


def put(kube: Kube, namespace: str, name: str, **data: str) -> int:
    """Make or change a ConfigMap. Gives its resource version."""
    metadata = {"name": name, "namespace": namespace}
    if kube.find("ConfigMap", name, namespace) is None:
        stored = kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        return int(stored["metadata"]["resourceVersion"])
    kube.patch("ConfigMap", name, namespace, {"data": data})
    return int(kube.get("ConfigMap", name, namespace)["metadata"]["resourceVersion"])


async def first(events: AsyncGenerator[Listed | Seen]) -> Listed:
    listed = await anext(events)
    assert isinstance(listed, Listed)
    return listed


async def test_first_all_there_is_and_then_every_change(
    connection: Connection, kube: Kube, namespace: str
) -> None:
    old = put(kube, namespace, "old", a="1")
    async with aclosing(follow(connection, CONFIG_MAPS, namespace)) as events:
        listed = await first(events)
        assert listed.objects == {(namespace, "old"): old}

        new = put(kube, namespace, "new", a="1")
        assert await anext(events) == Seen(namespace, "new", new)
        changed = put(kube, namespace, "old", a="2")
        assert await anext(events) == Seen(namespace, "old", changed)
        kube.delete("ConfigMap", "old", namespace)
        gone = await anext(events)
        assert (gone.name, gone.version > changed) == ("old", True)


async def test_a_list_is_complete_beyond_one_page(connection: Connection, kube: Kube, namespace: str) -> None:
    names = [f"config-{number:03}" for number in range(501)]
    for name in names:
        put(kube, namespace, name)

    async with aclosing(follow(connection, CONFIG_MAPS, namespace)) as events:
        listed = await first(events)

    assert sorted(name for _, name in listed.objects) == names


async def test_no_content_is_sent_and_large_metadata_is_no_trouble(
    connection: Connection, kube: Kube, namespace: str
) -> None:
    """A line of more than 200 kB; aiohttp's own limit for a line is 128 kB."""
    put(kube, namespace, "large", secret="S" * 1000)
    async with aclosing(follow(connection, CONFIG_MAPS, namespace)) as events:
        await first(events)
        annotation = {"metadata": {"annotations": {"note": '"' * 120_000}}}
        kube.patch("ConfigMap", "large", namespace, annotation)

        assert (await anext(events)).name == "large"

    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    raw = await connection.request("GET", CONFIG_MAPS.path(namespace), accept=accept)
    assert "data" not in raw["items"][0]


async def test_it_goes_on_after_the_server_has_ended_a_watch(
    connection: Connection, kube: Kube, namespace: str
) -> None:
    ended = 0
    original = connection.stream

    async def counted(*arguments: Any, **options: Any) -> AsyncGenerator[dict[str, Any]]:
        nonlocal ended
        async for event in original(*arguments, **options):
            yield event
        ended += 1
        if ended == 2:
            put(kube, namespace, "late")

    connection.stream = counted  # type: ignore[method-assign]
    async with aclosing(follow(connection, CONFIG_MAPS, namespace, watch_s=1)) as events:
        await first(events)

        assert (await anext(events)).name == "late"

    assert ended >= 2


async def test_a_connection_that_breaks_is_told(proxied: Connection, proxy: Proxy, namespace: str) -> None:
    async with aclosing(follow(proxied, CONFIG_MAPS, namespace)) as events:
        await first(events)
        waiting = anext(events)
        proxy.close()

        with pytest.raises(Unavailable):
            await waiting


async def test_a_connection_that_died_in_silence_is_told(
    proxied: Connection, proxy: Proxy, kube: Kube, namespace: str
) -> None:
    async with aclosing(follow(proxied, CONFIG_MAPS, namespace, watch_s=1, silence_s=1)) as events:
        await first(events)
        proxy.delay_s = 3600
        put(kube, namespace, "unheard")

        with pytest.raises(Unavailable, match="did not answer"):
            await anext(events)


async def test_a_moment_the_server_has_forgotten_is_told(
    connection: Connection, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """410: a watch from the very first version, before the server knew this kind."""
    original = connection.stream

    def from_the_beginning(
        path: str, *, query: dict[str, str], **options: Any
    ) -> AsyncGenerator[dict[str, Any]]:
        return original(path, query={**query, "resourceVersion": "1"}, **options)

    monkeypatch.setattr(connection, "stream", from_the_beginning)
    async with aclosing(follow(connection, RESOURCES["PerfGate"], namespace)) as events:
        await first(events)

        with pytest.raises(Refused) as refused:
            await anext(events)

    assert refused.value.reason in {"Expired", "Gone"}


async def test_without_the_right_it_is_refused(
    api_server: Path, kube: Kube, namespace: str, tmp_path: Path
) -> None:
    metadata = {"name": "nobody", "namespace": namespace}
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    user = {"token": kube.token("nobody", namespace)}
    connection = await connect(changed_kubeconfig(api_server, tmp_path, user=user))

    with pytest.raises(Refused, match="cannot list"):
        await anext(follow(connection, CONFIG_MAPS, namespace))
    await connection.close()
