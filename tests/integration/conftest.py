from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from devperfops_operator.adapters.kubernetes import Connection, connect
from hack.cluster import apiserver
from hack.cluster.errors import ClusterError
from hack.cluster.settings import CHECKOUT
from hack.kube import Kube, wait_for
from tests.conftest import require_layer
from tests.integration.world import World, changed_kubeconfig, everything_but_deployments

CRDS = sorted((CHECKOUT / "crds").glob("devperfops.io_*.yaml"))


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kubeconfig of a real etcd and kube-apiserver with our CRDs, and nothing else: no controller runs."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(apiserver.running(tmp_path_factory.mktemp("apiserver")))
        except ClusterError as error:
            require_layer("integration", str(error))  # does not return
        install_crds(Kube(server.kubeconfig))
        yield server.kubeconfig


@pytest.fixture(scope="session")
def kube(api_server: Path) -> Kube:
    """The API server, as its administrator."""
    return Kube(api_server)


@pytest.fixture
def own_kube(tmp_path: Path) -> Iterator[Kube]:
    """An API server of the test's own, empty, for what belongs to no namespace."""
    try:
        with apiserver.running(tmp_path / "apiserver") as server:
            yield Kube(server.kubeconfig)
    except ClusterError as error:
        require_layer("integration", str(error))


@pytest.fixture
def namespace(kube: Kube) -> str:
    """A namespace of the test's own. It stays: without controllers a deleted one would stay Terminating."""
    name = f"test-{secrets.token_hex(4)}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
async def connection(api_server: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
    monkeypatch.setenv("KUBECONFIG", str(api_server))
    connection = await connect()
    yield connection
    await connection.close()


@pytest.fixture
def world(kube: Kube, connection: Connection, namespace: str) -> World:
    return World(kube, connection, namespace)


@pytest.fixture
async def powerless_over_deployments(
    api_server: Path, kube: Kube, namespace: str, tmp_path: Path
) -> AsyncIterator[Connection]:
    """As a ServiceAccount that may do everything in its namespace but change Deployments."""
    for manifest in everything_but_deployments(namespace):
        kube.create(manifest)
    user = {"token": kube.token("operator", namespace)}
    connection = await connect(changed_kubeconfig(api_server, tmp_path, user=user))
    yield connection
    await connection.close()


def install_crds(kube: Kube) -> None:
    definitions = [yaml.safe_load(path.read_text()) for path in CRDS]
    kube.apply(definitions)
    for definition in definitions:
        name = definition["metadata"]["name"]
        wait_for(f"CRD {name} is established", lambda name=name: _established(kube, name), seconds=20)
        kind = definition["spec"]["names"]["kind"]
        wait_for(f"{kind} can be listed", lambda kind=kind: _can_be_listed(kube, kind), seconds=20)


def _established(kube: Kube, name: str) -> bool:
    found = kube.get("CustomResourceDefinition", name)
    conditions = found.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _can_be_listed(kube: Kube, kind: str) -> bool:
    """The API server's discovery and its cache of a new kind take a moment longer."""
    try:
        kube.list(kind, "default")
    except (ApiException, ResourceNotFoundError):
        return False
    return True
