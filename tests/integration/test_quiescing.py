"""What a reset scales to zero and replaces, at a real API server, by an operator with the documented rights only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devperfops_operator.adapters.kubernetes import Connection, connect
from devperfops_operator.domain.manifests.common import FINALIZER, RESET_LABEL
from hack import snapshot_crds
from hack.cluster.errors import ClusterError
from hack.cluster.settings import CHECKOUT
from hack.kube import Kube, wait_for
from tests.conftest import require_layer
from tests.integration.operating import adopted, operating
from tests.integration.test_data_reset import end, job_of
from tests.integration.world import (
    GATE,
    World,
    changed_kubeconfig,
    eventually,
    operator_account,
    sockets_closed,
)

pytestmark = pytest.mark.integration

MARK = {"metadata": {"labels": {RESET_LABEL: "true"}}}
DB = "shop-db"
CLAIM = f"data-{DB}-0"
QUIESCE = [{"name": GATE}, {"kind": "StatefulSet", "name": DB}]
JOB = {"job": {"image": "shop-data:7"}, "quiesce": QUIESCE}
VOLUME = {"volumeSnapshot": {"snapshot": "golden", "claim": CLAIM}, "quiesce": QUIESCE}


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


def rules(*components: str) -> list[dict[str, Any]]:
    """Those of the kustomize base and components, in a Role."""
    files = [
        "base/rbac.yaml",
        *(f"components/{component}/rbac.yaml" for component in components),
    ]
    found = [
        rule
        for file in files
        for each in yaml.safe_load_all((CHECKOUT / "deploy/kustomize" / file).read_text())
        if each["kind"] == "ClusterRole"
        for rule in each["rules"]
    ]
    return [rule for rule in found if rule["apiGroups"] != ["authentication.k8s.io"]]


@pytest.fixture
async def operator(
    kube: Kube, namespace: str, api_server: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Connection]:
    """The API server as an operator that has these components."""
    kube.apply(operator_account(namespace, rules(*request.param)))
    user = {"token": kube.token("operator", namespace)}
    connection = await connect(changed_kubeconfig(api_server, tmp_path, user=user))
    yield connection
    await connection.close()


def with_components(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operator", [names], indirect=True, ids=["+".join(names) or "none"])


def stateful_set(world: World) -> None:
    labels = {"app": DB}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}}
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    world.kube.create(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": DB, "namespace": world.namespace, "labels": {RESET_LABEL: "true"}},
            "spec": {
                "replicas": 2,
                "serviceName": DB,
                "selector": {"matchLabels": labels},
                "template": pod,
                "volumeClaimTemplates": [claim],
            },
        }
    )


async def run_stateful_set(world: World) -> None:
    """What its controller and the kubelet do: as many replicas are ready as are wanted."""
    stored = world.kube.get("StatefulSet", DB, world.namespace)
    status = {
        "observedGeneration": stored["metadata"]["generation"],
        "replicas": stored["spec"]["replicas"],
        "readyReplicas": stored["spec"]["replicas"],
    }
    await world.write_status("statefulsets", DB, status)


def replicas(world: World) -> list[int]:
    kinds = (("Deployment", GATE), ("StatefulSet", DB))
    return [world.kube.get(*each, world.namespace)["spec"]["replicas"] for each in kinds]


def pod_of_database(world: World) -> None:
    account = {"name": "default", "namespace": world.namespace}
    if world.kube.find("ServiceAccount", "default", world.namespace) is None:
        world.kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    metadata = {"name": f"{DB}-0", "namespace": world.namespace, "labels": {"app": DB}}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}
    spec = {"containers": [{"name": "db", "image": "db:1"}], "volumes": [volume]}
    world.kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


async def prepared(world: World, data: dict[str, Any]) -> None:
    """A gate that is adopted, its reset, and what that scales: three and two replicas."""
    await adopted(world)
    stateful_set(world)
    await run_stateful_set(world)
    world.kube.patch("Deployment", GATE, world.namespace, {**MARK, "spec": {"replicas": 3}})
    await world.roll_out()
    world.edit_gate({"data": data})


async def released(world: World, image: str = "podinfo:2") -> str:
    """Another release; its run, once all is scaled to zero."""
    before = set(world.runs())
    await world.deploy(image)
    (run,) = await eventually("a run", lambda: set(world.runs()) - before)
    await eventually("all is scaled to zero", lambda: replicas(world) == [0, 0])
    return str(run)


async def settle(world: World, run: str) -> None:
    """The controllers bring all pods back, and the load begins."""
    await eventually("all is scaled back", lambda: replicas(world) == [3, 2])
    await world.roll_out()
    await run_stateful_set(world)
    await eventually("the load's Job", lambda: world.kube.find("Job", run, world.namespace))


@with_components("quiesce")
async def test_all_is_quiet_while_data_are_reset_and_back_before_the_load(
    world: World, operator: Connection
) -> None:
    async with operating(world, operator):
        await prepared(world, JOB)
        pod_of_database(world)
        run = await released(world)
        stored = world.kube.get("PerfRun", run, world.namespace)
        assert stored["metadata"]["finalizers"] == [FINALIZER]
        owed = [(each["name"], each["replicas"]) for each in stored["status"]["reset"]["workloads"]]
        assert owed == [(GATE, 3), (DB, 2)]
        assert job_of(world, run) is None, "the last pod has not ended"
    # killed, and started anew
    world.kube.delete("Pod", f"{DB}-0", world.namespace)
    async with operating(world, operator):
        await eventually("the reset", lambda: job_of(world, run))
        assert replicas(world) == [0, 0]
        await end(world, run, "SuccessCriteriaMet", "Complete")
        await settle(world, run)
        assert world.runs() == [run], "no new revision was seen in it"
        stored = await eventually("the run is free", lambda: free(world, run))
        assert "reset" not in stored["status"]
        assert world.phase(run) == "Starting"


def free(world: World, run: str) -> dict[str, Any] | None:
    stored = world.kube.get("PerfRun", run, world.namespace)
    return None if stored["metadata"].get("finalizers") else stored


@with_components("quiesce")
async def test_a_run_that_is_deleted_while_no_operator_runs_is_gone_only_when_all_is_back(
    world: World, operator: Connection
) -> None:
    async with operating(world, operator):
        await prepared(world, JOB)
        run = await released(world)
        await eventually("the reset", lambda: job_of(world, run))
    await asyncio.to_thread(world.kube.delete, "PerfGate", GATE, world.namespace)
    await asyncio.to_thread(world.kube.delete, "PerfRun", run, world.namespace)
    assert world.kube.find("PerfRun", run, world.namespace) is not None
    async with operating(world, operator):
        await eventually("the run is gone", lambda: world.kube.find("PerfRun", run, world.namespace) is None)
        assert replicas(world) == [3, 2]


@with_components("quiesce")
async def test_after_a_failed_reset_all_is_back(world: World, operator: Connection) -> None:
    async with operating(world, operator):
        await prepared(world, JOB)
        run = await released(world)
        await eventually("the reset", lambda: job_of(world, run))
        await end(world, run, "FailureTarget", "Failed")
        await eventually("it is over", lambda: world.phase(run) == "Completed")
        assert world.status("PerfRun", run)["reason"] == "DataResetFailed"
        assert replicas(world) == [3, 2]
        await eventually("the run is free", lambda: free(world, run))


@with_components()
async def test_an_operator_without_the_component_scales_nothing_and_says_what_it_lacks(
    world: World, operator: Connection
) -> None:
    async with operating(world, operator):
        await prepared(world, JOB)
        await world.deploy("podinfo:2")
        (run,) = await eventually("a run", world.runs)
        await eventually("it is over", lambda: world.phase(run) == "Completed")
        status = world.status("PerfRun", run)
        assert status["reason"] == "DataResetFailed"
        assert "deploy/kustomize/components/quiesce" in status["message"]
        assert replicas(world) == [3, 2]


# volumes; the test plays the CSI driver and the controllers of claims


@pytest.fixture
def snapshots(world: World) -> World:
    """A namespace with a claim and a snapshot of it that can be used."""
    try:
        definitions = snapshot_crds.definitions()
    except ClusterError as error:
        require_layer("integration", str(error))
    world.kube.apply(definitions)
    snapshot = {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": "golden", "namespace": world.namespace},
        "spec": {"source": {"persistentVolumeClaimName": CLAIM}},
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "namespace": world.namespace, "labels": {RESET_LABEL: "true", "app": DB}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "fast",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    world.kube.create(claim)
    wait_for("snapshots are served", lambda: can_create(world.kube, snapshot), seconds=20)
    return world


def can_create(kube: Kube, manifest: dict[str, Any]) -> bool:
    try:
        kube.create(manifest)
    except Exception as error:  # noqa: BLE001  discovery of a new kind takes a moment, and tells it in many ways
        return "already exists" in str(error)
    return True


async def make_usable(world: World) -> None:
    status = {"readyToUse": True, "restoreSize": "1536Mi"}
    group = "/apis/snapshot.storage.k8s.io/v1"
    await world.write_status("volumesnapshots", "golden", status, group=group)


def let_go(world: World) -> bool:
    """What the controller that protects claims does once a deleted one is not used by any pod."""
    claim = world.kube.find("PersistentVolumeClaim", CLAIM, world.namespace)
    if claim is not None and claim["metadata"].get("deletionTimestamp"):
        none = {"metadata": {"finalizers": None}}
        world.kube.patch("PersistentVolumeClaim", CLAIM, world.namespace, none)
        return True
    return False


def another(world: World, old: str) -> dict[str, Any] | None:
    claim = world.kube.find("PersistentVolumeClaim", CLAIM, world.namespace)
    return claim if claim is not None and claim["metadata"]["uid"] != old else None


@with_components("quiesce", "volume-snapshots")
async def test_a_claim_is_made_anew_from_the_snapshot_though_the_operator_is_killed_without_one(
    snapshots: World, operator: Connection
) -> None:
    world = snapshots
    old = world.kube.get("PersistentVolumeClaim", CLAIM, world.namespace)
    async with operating(world, operator):
        await prepared(world, VOLUME)
        pod_of_database(world)
        run = await released(world)
        world.kube.delete("Pod", f"{DB}-0", world.namespace)
        assert (
            world.kube.get("PersistentVolumeClaim", CLAIM, world.namespace)["metadata"].get(
                "deletionTimestamp"
            )
            is None
        ), "the snapshot cannot be used yet"
        await make_usable(world)
        await eventually("the old claim is deleted", lambda: deleting(world))
    assert let_go(world)
    assert world.kube.find("PersistentVolumeClaim", CLAIM, world.namespace) is None
    async with operating(world, operator):
        uid = old["metadata"]["uid"]
        new = await eventually("the new claim", lambda: another(world, uid))
        assert new["metadata"]["labels"] == old["metadata"]["labels"]
        source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "golden"}
        room = {"requests": {"storage": "1536Mi"}}
        assert new["spec"].items() >= {**old["spec"], "dataSource": source, "resources": room}.items()
        await eventually("all is scaled back", lambda: replicas(world) == [3, 2])
        await world.roll_out()
        await run_stateful_set(world)
        assert world.phase(run) == "ResettingData", "the new claim is not bound"
        bound = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
        await world.write_status("persistentvolumeclaims", CLAIM, bound, group="/api/v1")
        await settle(world, run)


def deleting(world: World) -> bool:
    claim = world.kube.get("PersistentVolumeClaim", CLAIM, world.namespace)
    return "deletionTimestamp" in claim["metadata"]


@with_components("quiesce", "volume-snapshots")
async def test_a_claim_without_the_label_is_left_alone(snapshots: World, operator: Connection) -> None:
    world = snapshots
    await make_usable(world)
    none = {"metadata": {"labels": {RESET_LABEL: None}}}
    world.kube.patch("PersistentVolumeClaim", CLAIM, world.namespace, none)
    before = world.kube.get("PersistentVolumeClaim", CLAIM, world.namespace)
    async with operating(world, operator):
        await prepared(world, VOLUME)
        await world.deploy("podinfo:2")
        (run,) = await eventually("a run", world.runs)
        await eventually("it is over", lambda: world.phase(run) == "Completed")
        assert "is not marked as one that may be reset" in world.status("PerfRun", run)["message"]
    assert world.kube.get("PersistentVolumeClaim", CLAIM, world.namespace) == before
    assert replicas(world) == [3, 2]
