"""A Pass goes on to the primary, at a real API server. Where a run would load, the tests write its verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from devperfops_operator.adapters.kubernetes import Connection
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL, MANAGED_BY
from devperfops_operator.domain.manifests.config_copy import PRIMARY_LABEL
from hack.kube import Object
from tests.integration.operating import operating, ready
from tests.integration.world import GATE, World, eventually, sockets_closed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


PRIMARY = "front-end-primary"


def config_map(world: World, value: str) -> None:
    """The application's configuration, new or changed."""
    metadata = {"name": "settings", "namespace": world.namespace}
    world.kube.apply(
        [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}]
    )


def primary(world: World) -> Object:
    return world.kube.get("Deployment", PRIMARY, world.namespace)


def create_primary(world: World) -> None:
    target = world.kube.get("Deployment", GATE, world.namespace)
    spec = {**target["spec"], "selector": {"matchLabels": {"app": PRIMARY}}}
    pod = {
        "metadata": {"labels": {"app": PRIMARY}},
        "spec": {"containers": [{"name": "app", "image": "podinfo:0"}]},
    }
    world.kube.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": PRIMARY, "namespace": world.namespace},
            "spec": {**spec, "template": pod},
        }
    )


async def primary_rolls_out(world: World) -> None:
    """What the deployment controller and the kubelet do."""
    status = {
        "observedGeneration": primary(world)["metadata"]["generation"],
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1),
    }
    await world.write_status("deployments", PRIMARY, status)


async def deploy(world: World, image: str) -> None:
    """Roll the target out, which reads the configuration by env and by volume and keeps to its own kind."""
    own = {"labelSelector": {"matchLabels": {"app": GATE}}, "topologyKey": "kubernetes.io/hostname"}
    pod = {
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [own]}},
        "topologySpreadConstraints": [{**own, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}],
        "volumes": [{"name": "settings", "configMap": {"name": "settings"}}],
        "containers": [{"name": "app", "image": image, "envFrom": [{"configMapRef": {"name": "settings"}}]}],
    }
    world.kube.patch("Deployment", GATE, world.namespace, {"spec": {"template": {"spec": pod}}})
    await world.start_pods()


async def adopted(world: World) -> None:
    """Version 1 is known-good, the gate promotes to a primary that runs something else."""
    world.config_map()
    world.service()
    config_map(world, "one")
    world.release("podinfo:1")
    await deploy(world, "podinfo:1")
    create_primary(world)
    await primary_rolls_out(world)
    world.gate({"spec.promoteTo": PRIMARY})
    await eventually("the gate is ready", lambda: ready(world, "KnownGood"))


async def passed(world: World) -> str:
    """Version 2 is rolled out, tested, and the operator killed when the verdict was stored. Gives the run."""
    async with operating(world):
        await adopted(world)
        config_map(world, "two")
        await deploy(world, "podinfo:2")
        (run,) = await eventually("a run", world.runs)
        await eventually("its load begins", lambda: world.kube.find("Job", run, world.namespace))
    verdict = {"phase": "Acting", "verdict": "Pass", "reason": "ObjectivesMet", "message": "all are met"}
    path = f"/apis/devperfops.io/v1alpha1/namespaces/{world.namespace}/perfruns/{run}/status"
    merge = "application/merge-patch+json"
    await world.connection.request("PATCH", path, body={"status": verdict}, content_type=merge)
    return run


def copies(world: World) -> list[Object]:
    return world.kube.list("ConfigMap", world.namespace, f"{PRIMARY_LABEL}={PRIMARY}")


def told(world: World, run: str) -> list[str]:
    return [entry["reason"] for entry in world.status("PerfRun", run)["timeline"]]


def marked(world: World, run: str) -> bool:
    snapshot = world.kube.get("ControllerRevision", world.status("PerfRun", run)["snapshot"], world.namespace)
    return KNOWN_GOOD_LABEL in snapshot["metadata"]["labels"]


async def test_the_primary_gets_what_passed_as_its_own_and_is_awaited_before_the_mark(world: World) -> None:
    run = await passed(world)
    before = primary(world)

    async with operating(world):
        await eventually("it is patched", lambda: told(world, run)[-1] == "PrimaryPatched")
        assert not marked(world, run)
    async with operating(world):  # killed while its rollout is awaited
        await primary_rolls_out(world)
        await eventually("the run is over", lambda: world.phase(run) == "Completed")
        await eventually("the gate is ready", lambda: ready(world, "ObjectivesMet"))

    after, (copy,) = primary(world), copies(world)
    template, target = after["spec"]["template"], world.kube.get("Deployment", GATE, world.namespace)
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1, "one patch"
    assert after["spec"]["selector"] == before["spec"]["selector"]
    assert template == rewritten(target["spec"]["template"], copy["metadata"]["name"])
    assert (copy["data"], copy["immutable"]) == ({"value": "two"}, True)
    assert [owner["uid"] for owner in copy["metadata"]["ownerReferences"]] == [after["metadata"]["uid"]]
    assert marked(world, run)
    gate, status = world.status("PerfGate", GATE), world.status("PerfRun", run)
    assert status["action"]["message"] == f"Deployment {PRIMARY} runs revision {status['revision']}"
    assert gate["knownGood"] == gate["primary"]["revision"] == status["revision"]
    assert world.runs() == [run], "our own patch starts nothing"


def rewritten(template: Any, config: str) -> Any:
    """The target's template as the primary's."""
    own, pod = {"matchLabels": {"app": PRIMARY}}, template["spec"]
    (term,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    template["metadata"]["labels"] = {"app": PRIMARY}
    term["labelSelector"] = pod["topologySpreadConstraints"][0]["labelSelector"] = own
    pod["volumes"][0]["configMap"]["name"] = config
    pod["containers"][0]["envFrom"][0]["configMapRef"]["name"] = config
    return template


async def test_config_that_was_edited_after_the_test_is_not_promoted(world: World) -> None:
    run = await passed(world)
    config_map(world, "edited")
    before = primary(world)["spec"]

    async with operating(world):
        await eventually("the run is over", lambda: world.phase(run) == "Completed")
        await eventually("its pods are old", lambda: world.condition("Stalled")[1] == "ConfigNotLoaded")

    action = world.status("PerfRun", run)["action"]
    assert (action["type"], action["reason"]) == ("Hold", "ConfigChanged")
    assert primary(world)["spec"] == before
    assert copies(world) == []
    assert not marked(world, run)


async def test_a_primary_that_may_not_be_patched_is_told_in_the_servers_words(
    world: World, powerless_over_deployments: Connection
) -> None:
    run = await passed(world)
    before = primary(world)["spec"]

    async with operating(world, powerless_over_deployments):
        await eventually("the run is over", lambda: world.phase(run) == "Completed", seconds=90)

    action = world.status("PerfRun", run)["action"]
    assert (action["type"], action["reason"]) == ("Hold", "PromoteRefused")
    assert "cannot patch resource" in action["message"]
    assert primary(world)["spec"] == before
    assert not marked(world, run)


async def test_copies_are_kept_as_long_as_a_replica_set_may_go_back_to_them(world: World) -> None:
    run = await passed(world)
    uid = primary(world)["metadata"]["uid"]
    for name in ("old", "needed"):
        metadata = {
            "name": name,
            "namespace": world.namespace,
            "labels": {**MANAGED_BY, PRIMARY_LABEL: PRIMARY},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": PRIMARY, "uid": uid}],
        }
        world.kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    world.kube.create(replica_set(world, reads="needed"))

    async with operating(world):
        await eventually("it is patched", lambda: told(world, run)[-1] == "PrimaryPatched")
        assert {each["metadata"]["name"] for each in copies(world)} > {"old", "needed"}
        await primary_rolls_out(world)
        await eventually("the run is over", lambda: world.phase(run) == "Completed")

    names = {each["metadata"]["name"] for each in copies(world)}
    assert len(names) == 2
    assert "needed" in names


def replica_set(world: World, reads: str) -> dict[str, Any]:
    """An earlier one of the primary."""
    container = {"name": "app", "image": "podinfo:0", "envFrom": [{"configMapRef": {"name": reads}}]}
    labels = {"app": PRIMARY}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "earlier", "namespace": world.namespace, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def test_a_primary_that_stalls_is_told_by_run_and_gate(world: World) -> None:
    run = await passed(world)

    async with operating(world):
        await eventually("it is patched", lambda: told(world, run)[-1] == "PrimaryPatched")
        gave_up = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        generation = primary(world)["metadata"]["generation"]
        status = {"observedGeneration": generation, "updatedReplicas": 0, "conditions": [gave_up]}
        await world.write_status("deployments", PRIMARY, status)
        await eventually("the gate tells", lambda: world.condition("Stalled") == ("True", "PrimaryStalled"))

    action = world.status("PerfRun", run)["action"]
    assert (world.phase(run), action["reason"]) == ("Completed", "PrimaryStalled")
    assert primary(world)["metadata"]["generation"] == generation, "it is not put back"


async def test_a_missing_primary_stalls_the_gate_until_it_is_there(world: World) -> None:
    world.config_map()
    world.service()
    await world.deploy("podinfo:1")

    async with operating(world):
        world.gate({"spec.promoteTo": PRIMARY})
        await eventually("it stalls", lambda: world.condition("Stalled") == ("True", "PrimaryNotFound"))
        create_primary(world)
        await eventually("the gate is ready", lambda: ready(world, "KnownGood"))
        await eventually(
            "it sees the primary", lambda: world.status("PerfGate", GATE)["primary"]["name"] == PRIMARY
        )

        second = {"spec.promoteTo": PRIMARY, "metadata.name": "second"}
        world.gate(second)
        await eventually(
            "the younger gate stalls",
            lambda: "promotes to Deployment" in str(world.status("PerfGate", "second")),
        )
