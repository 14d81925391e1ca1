"""The controller against a real API server: from what people do to what is stored, without any mock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from devperfops_operator.adapters.kubernetes import Cluster, Connection, connect
from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.api.settings import ImageSettings, Settings
from devperfops_operator.controller.operator import Operator
from devperfops_operator.controller.telemetry import Telemetry
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL
from devperfops_operator.evidence import EvidenceStore
from hack.kube import Kube
from tests.integration.world import GATE, World, changed_kubeconfig, eventually, sockets_closed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture
async def connection(api_server: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
    monkeypatch.setenv("KUBECONFIG", str(api_server))
    connection = await connect()
    yield connection
    await connection.close()


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


def everything_but_deployments(namespace: str) -> list[dict[str, Any]]:
    metadata = {"name": "operator", "namespace": namespace}
    rbac = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": ["", "batch", "devperfops.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    ]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "operator"},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
    ]


@pytest.fixture
def world(kube: Kube, connection: Connection, namespace: str) -> World:
    return World(kube, connection, namespace)


def operating(world: World, connection: Connection | None = None) -> AbstractAsyncContextManager[Operator]:
    """A controller that watches the namespace, and acts with this connection, for the length of the block."""
    settings = Settings(
        operator_url="http://operator:8080",
        images=ImageSettings(operator="operator:1", jmeter="jmeter:1"),
        namespaces=(world.namespace,),
    )
    operator = Operator(
        settings=settings,
        cluster=Cluster(connection or world.connection),
        metrics=PrometheusMetrics({}),
        evidence=EvidenceStore(),
        telemetry=Telemetry(CollectorRegistry()),
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


async def test_what_runs_is_adopted_by_a_new_gate(world: World) -> None:
    async with operating(world):
        snapshot = await adopted(world)

        stored = world.kube.get("Deployment", GATE, world.namespace)
        status = world.status("PerfGate", GATE)
        assert snapshot["data"]["template"] == stored["spec"]["template"]
        assert snapshot["metadata"]["labels"][KNOWN_GOOD_LABEL] == "true"
        assert snapshot["metadata"]["ownerReferences"][0]["kind"] == "PerfGate"
        assert status["knownGood"] == status["target"]["revision"]
        assert world.condition("Passed") == ("True", "KnownGood")
        assert world.condition("Stalled")[0] == "False"
        assert world.runs() == []


async def test_nothing_is_adopted_before_its_rollout_is_complete(world: World) -> None:
    world.config_map()
    world.service()
    world.release("podinfo:1")

    async with operating(world):
        world.gate()
        await eventually(
            "the gate waits", lambda: world.condition("Reconciling") == ("True", "AwaitingRollout")
        )
        assert world.snapshots() == []

        await world.roll_out()
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))


async def test_what_is_missing_is_told_and_the_gate_recovers_by_itself(world: World) -> None:
    async with operating(world):
        world.gate()
        await eventually("no target", lambda: world.condition("Stalled") == ("True", "TargetNotFound"))

        await world.deploy("podinfo:1")
        await eventually("no plan", lambda: world.condition("Stalled") == ("True", "PlanNotFound"))
        assert world.condition("Ready")[0] == "False"

        world.config_map()
        world.service()
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))

    assert world.condition("Stalled")[0] == "False"
    assert "PlanNotFound" in world.events(GATE)


async def test_a_new_revision_gets_a_run_a_snapshot_and_a_job(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))

        status = world.status("PerfRun", name)
        target = world.status("PerfGate", GATE)["target"]
        assert name == f"{GATE}-{target['revision'][:8]}-1"
        assert (status["phase"], status["trigger"]) == ("Starting", "Rollout")
        assert status["revision"] == target["revision"]
        assert world.status("PerfGate", GATE)["run"]["name"] == name
        assert {one["metadata"]["name"] for one in world.snapshots()} >= {status["snapshot"]}
        reasons = [entry["reason"] for entry in status["timeline"]]
        await eventually("its events", lambda: sorted(world.events(name)) == sorted(reasons))


async def test_after_a_crash_everything_goes_on_where_it_was_and_nothing_is_made_twice(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", name, world.namespace))
    before = everything(world)

    async with operating(world):
        world.run("by-hand")
        world.kube.patch("PerfRun", "by-hand", world.namespace, {"spec": {"cancel": True}})
        await eventually("all is looked at", lambda: world.phase("by-hand") == "Cancelled")
        world.kube.delete("PerfRun", "by-hand", world.namespace)

    assert world.phase(name) == "Starting"
    assert everything(world) == before


def everything(world: World) -> dict[str, list[tuple[str, str]]]:
    """Names and uids of all that the operator makes."""
    return {
        kind: sorted(
            (each["metadata"]["name"], each["metadata"]["uid"])
            for each in world.kube.list(kind, world.namespace)
        )
        for kind in ("PerfRun", "ControllerRevision", "Job")
    }


async def test_one_run_at_a_time(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.run("first")
        await eventually("the first has begun", lambda: world.kube.find("Job", "first", world.namespace))
        world.run("second")
        world.kube.patch("PerfRun", "first", world.namespace, {"spec": {"cancel": True}})

        await eventually("the second has begun", lambda: world.kube.find("Job", "second", world.namespace))

        timeline = world.status("PerfRun", "second")["timeline"]
        began = next(entry["at"] for entry in timeline if entry["phase"] == "Preparing")
        assert world.phase("first") == "Cancelled"
        assert world.status("PerfRun", "first")["completedAt"] <= began
        assert world.kube.find("Job", "first", world.namespace) is None


async def test_a_newer_revision_supersedes_the_run(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.deploy("podinfo:2")
        (older,) = await eventually("a run", world.runs)
        await eventually("its job", lambda: world.kube.find("Job", older, world.namespace))

        await world.deploy("podinfo:3")

        await eventually("it is superseded", lambda: world.phase(older) == "Superseded")
        await eventually("a second run", lambda: len(world.runs()) == 2)
        await eventually("the job is gone", lambda: world.kube.find("Job", older, world.namespace) is None)


async def test_a_rollout_that_never_gets_ready_is_rolled_back(world: World) -> None:
    async with operating(world):
        snapshot = await adopted(world)
        world.release("podinfo:broken")
        (name,) = await eventually("a run", world.runs)
        await eventually("it waits", lambda: world.phase(name) == "AwaitingRollout")
        await world.stall()

        await eventually("it is over", lambda: world.phase(name) == "Completed")

        status = world.status("PerfRun", name)
        assert (status["verdict"], status["reason"]) == ("Fail", "RolloutStalled")
        assert status["action"]["type"] == "Rollback"
        assert "doneAt" in status["action"]
        stored = world.kube.get("Deployment", GATE, world.namespace)
        assert stored["spec"]["template"] == snapshot["data"]["template"]
        await world.roll_out()
        await eventually("the gate is ready", lambda: ready(world, "RolledBack"))
        assert world.runs() == [name]


async def test_a_job_that_is_refused_ends_the_run_with_the_servers_words(world: World) -> None:
    async with operating(world):
        await adopted(world)
        await world.allow_no_jobs()
        await world.deploy("podinfo:2")
        (name,) = await eventually("a run", world.runs)

        await eventually("it is over", lambda: world.phase(name) == "Completed")

    status = world.status("PerfRun", name)
    assert (status["verdict"], status["reason"]) == ("Error", "JobRefused")
    assert "exceeded quota" in status["message"]
    assert status["action"]["type"] == "Hold"
    assert world.image() == "podinfo:2"


async def test_a_rollback_that_is_refused_ends_in_a_reason_and_not_in_a_loop(
    world: World, powerless_over_deployments: Connection
) -> None:
    """The operator may not patch Deployments here; everything else it may."""
    async with operating(world, powerless_over_deployments):
        await adopted(world)
        world.release("podinfo:broken")
        (name,) = await eventually("a run", world.runs)
        await eventually("it waits", lambda: world.phase(name) == "AwaitingRollout")
        await world.stall()

        await eventually("it is over", lambda: world.phase(name) == "Completed", seconds=90)

    status = world.status("PerfRun", name)
    assert (status["verdict"], status["reason"]) == ("Fail", "RolloutStalled")
    assert status["action"]["type"] == "Hold"
    assert "cannot patch resource" in status["action"]["message"]
    assert world.image() == "podinfo:broken"


async def test_a_deleted_gate_takes_its_runs_with_it(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.run("first")
        await eventually("it has begun", lambda: world.kube.find("Job", "first", world.namespace))

        world.kube.delete("PerfGate", GATE, world.namespace)

        await eventually("the run ends", lambda: world.phase("first") == "Cancelled")
        await eventually("the job is gone", lambda: world.kube.find("Job", "first", world.namespace) is None)


async def test_a_config_map_that_changes_makes_a_new_revision_only_with_the_template(world: World) -> None:
    """`metadata.generation` decides: new defaults of an API server must start nothing."""
    async with operating(world) as operator:
        await adopted(world)
        world.kube.patch("Deployment", GATE, world.namespace, {"metadata": {"labels": {"team": "shop"}}})
        world.run("by-hand")
        await eventually("it has begun", lambda: world.kube.find("Job", "by-hand", world.namespace))

        assert operator.ready()
        assert world.runs() == ["by-hand"]
        revision = world.status("PerfGate", GATE)["target"]["revision"]
        assert world.status("PerfRun", "by-hand")["revision"] == revision


async def test_a_target_made_anew_is_a_new_one_though_its_generation_is_the_same(world: World) -> None:
    async with operating(world):
        await adopted(world)
        world.kube.delete("Deployment", GATE, world.namespace)
        await world.deploy("podinfo:2")

        (name,) = await eventually("a run", world.runs)

        judged = world.kube.get("Deployment", GATE, world.namespace)
        assert judged["metadata"]["generation"] == 1
        await eventually(
            "the gate knows it",
            lambda: world.status("PerfGate", GATE)["target"]["uid"] == judged["metadata"]["uid"],
        )
        assert world.status("PerfGate", GATE)["run"]["name"] == name
