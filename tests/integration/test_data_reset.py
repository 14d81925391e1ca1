"""A gate that resets its data, at a real API server: the Job is made, and what follows from its end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from devperfops_operator.controller.operator import Operator
from tests.integration.operating import adopted, operating
from tests.integration.world import World, eventually, sockets_closed

pytestmark = pytest.mark.integration

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


async def resetting(world: World, before: list[str]) -> str:
    """Another release; its run, once its data's Job is there."""
    await world.deploy(f"podinfo:{len(before) + 2}")
    (name,) = await eventually("a run", lambda: set(world.runs()) - set(before))
    await eventually("the reset", lambda: job_of(world, name))
    return str(name)


def job_of(world: World, run: str) -> dict[str, Any] | None:
    return world.kube.find("Job", f"{run}.data", world.namespace)


async def end(world: World, run: str, *conditions: str) -> None:
    """What the Job controller writes when the pod has ended."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ended = [
        {"type": kind, "status": "True", "reason": "PodFailurePolicy", "message": "its pod ended with code 3",
         "lastTransitionTime": now, "lastProbeTime": now}
        for kind in conditions
    ]  # fmt: skip
    counts = {"completionTime": now, "succeeded": 1} if "Complete" in conditions else {"failed": 1}
    status = {"startTime": now, **counts, "conditions": ended}
    await world.write_status("jobs", f"{run}.data", status, group="/apis/batch/v1")


def accepted_pod(world: World, job: dict[str, Any]) -> dict[str, Any]:
    """The pod that the Job controller would make, in a namespace that wants restricted ones."""
    account = {"name": "default", "namespace": world.namespace}
    world.kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    template = job["spec"]["template"]
    metadata = {**template["metadata"], "name": "reset", "namespace": world.namespace}
    return world.kube.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    )


async def end_pod(world: World, said: str) -> None:
    """What the kubelet writes when the container has failed."""
    ended = {"exitCode": 3, "reason": "Error", "message": said}
    container = {
        "name": "reset",
        "image": "shop-data:7",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": ended},
    }
    status = {"phase": "Failed", "containerStatuses": [container]}
    await world.write_status("pods", "reset", status, group="/api/v1")


def knows_of_end(operator: Operator, world: World, run: str) -> bool:
    """Pods and Jobs come by two watches, and nothing else tells which was first."""
    pods = operator._store.pods.owned(world.namespace, run)
    return any(pod.get("status", {}).get("phase") == "Failed" for pod in pods)


async def test_a_load_follows_a_reset_that_succeeds_and_no_other(world: World) -> None:
    world.kube.patch("Namespace", world.namespace, None, {"metadata": {"labels": RESTRICTED}})
    async with operating(world) as operator:
        await adopted(world)
        world.edit_gate({"data": {"job": {"image": "shop-data:7"}}})
        failed = await resetting(world, [])
        assert world.phase(failed) == "ResettingData"
        assert accepted_pod(world, world.kube.get("Job", f"{failed}.data", world.namespace))
        await end_pod(world, "no golden copy in /golden")
        await eventually("the operator knows of it", lambda: knows_of_end(operator, world, failed))
        await end(world, failed, "FailureTarget", "Failed")
        await eventually("it is over", lambda: world.phase(failed) == "Completed")
        status = world.status("PerfRun", failed)
        assert (status["verdict"], status["reason"]) == ("Error", "DataResetFailed")
        assert (
            "container reset of pod reset ended with code 3: no golden copy in /golden" in status["message"]
        )
        assert world.kube.find("Job", failed, world.namespace) is None

        reset = await resetting(world, [failed])
        await end(world, reset, "SuccessCriteriaMet", "Complete")
        await eventually("the load's Job", lambda: world.kube.find("Job", reset, world.namespace))
        assert world.phase(reset) == "Starting"

        superseded = world.runs()
        replaced = await resetting(world, superseded)
        await world.deploy("podinfo:9")
        await eventually("it is superseded", lambda: world.phase(replaced) == "Superseded")
        await eventually("its reset is gone", lambda: job_of(world, replaced) is None)
