"""The load's pod at a real API server, in a namespace that enforces the restricted standard."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import ApiException

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import LoadModelStatus, PerfRun, ResolvedStatus
from devperfops_operator.domain.manifests.job import job_manifest
from devperfops_operator.domain.observed import Inputs, RunSettings
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.resolved import with_resolved
from hack.kube import Kube
from tests.api_cases import VALID

pytestmark = pytest.mark.integration

INPUTS = Inputs(host="front-end.shop.svc", port=80)
MODEL = ResolvedStatus(load=LoadModelStatus(rate="1800/m", threads=60, message=""))
SETTINGS = RunSettings(operator_url="http://op", operator_image="op:1", jmeter_image="jmeter:1")


@pytest.fixture
def restricted(kube: Kube, namespace: str) -> str:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.patch("Namespace", namespace, None, {"metadata": {"labels": labels}})
    return namespace


def job_of(gate: dict[str, Any], namespace: str) -> dict[str, Any]:
    metadata = {**gate["metadata"], "namespace": namespace, "uid": "4c7c9c1e-0000-4000-8000-000000000000"}
    read = PerfGate.from_json({**gate, "metadata": metadata})
    run = PerfRun.from_json({"metadata": {**metadata, "name": "front-end-1"}, "spec": {"gate": "front-end"}})
    played = with_resolved(read.spec, MODEL)
    read = read.model_copy(update={"spec": played})
    return job_manifest(run, read, resolve_plan(played), INPUTS, SETTINGS)


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    """As the Job's controller and the ServiceAccount admission, which do not run here, would make it."""
    template, metadata = job["spec"]["template"], job["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {**template["spec"], "serviceAccountName": "default"},
    }


@pytest.mark.parametrize(
    "case",
    [
        "the example",
        "everything of the load's pods",
        "a plan and data on volumes",
        "a plan made from a document",
        "production's busiest hour",
        "data in a ConfigMap",
        "properties from Secrets, plugins",
    ],
)
def test_whatever_is_asked_for_the_pod_is_admitted(kube: Kube, restricted: str, case: str) -> None:
    job = kube.create(job_of(VALID[case], restricted))

    assert kube.create(pod_of(job))["metadata"]["uid"]


def test_the_namespace_would_not_take_another_pod(kube: Kube, restricted: str) -> None:
    pod = pod_of(kube.create(job_of(VALID["the example"], restricted)))
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ApiException, match="violates PodSecurity"):
        kube.create(pod)


def test_the_pod_is_as_the_gate_asks(kube: Kube, restricted: str) -> None:
    template = kube.create(job_of(VALID["everything of the load's pods"], restricted))["spec"]["template"]

    pod = template["spec"]
    pull, (jmeter,) = pod["initContainers"][1], pod["containers"]
    for container in (pull, jmeter):
        assert container["image"] == "registry.example:5000/load/jmeter@sha256:" + "0123456789abcdef" * 4
        assert container["command"] == ["/opt/jmeter/bin/jmeter", "-Xmx2g"]
        assert container["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert pod["nodeSelector"] == {"example.com/pool": "load"}
    assert pod["tolerations"] == [
        {"key": "load", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    ]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert template["metadata"]["annotations"] == {"linkerd.io/inject": "disabled"}
    labels = template["metadata"]["labels"]
    assert labels["team"] == "shop"
    assert labels["devperfops.io/run"] == "front-end-1"
