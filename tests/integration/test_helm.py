"""The Helm chart on a real API server: what it installs, upgrades and leaves, and what its operator may do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from devperfops_operator.api.settings import parse_settings
from hack.helm import Helm, HelmError
from hack.helm_chart import CHART
from hack.kube import Kube, condition, wait_for
from tests import api_cases
from tests.integration.test_install import can
from tests.integration.world import as_service_account, sockets_closed

pytestmark = pytest.mark.integration

RELEASE = "devperfops-operator"
GATES, RUNS = "perfgates.devperfops.io", "perfruns.devperfops.io"
CRD = "CustomResourceDefinition"
RULES = yaml.safe_load((CHART / "files/rules.yaml").read_text())


@pytest.fixture
def kube(own_kube: Kube) -> Kube:
    for name in ("ops", "shop", "bank"):
        own_kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return own_kube


@pytest.fixture
def helm(kube: Kube, tmp_path: Path) -> Helm:
    return Helm(kube.kubeconfig, "ops", tmp_path / "helm")


def established(kube: Kube, name: str) -> bool:
    return condition(kube.find(CRD, name) or {}, "Established").get("status") == "True"


def add_gate(kube: Kube) -> None:
    wait_for("the CRD is established", lambda: established(kube, GATES), seconds=20)
    kube.create(api_cases.gate({"metadata.namespace": "shop"}))


def rights(role: str) -> list[tuple[str, str, str]]:
    return [
        (verb, group, resource)
        for rule in RULES[role]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def test_gates_survive_upgrade_uninstalling_and_installing_again(
    kube: Kube, helm: Helm, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    shutil.copytree(CHART, older)
    crd = yaml.safe_load((older / f"files/crds/{GATES.partition('.')[2]}_perfgates.yaml").read_text())
    del crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"][
        "knownGood"
    ]
    (older / "files/crds/devperfops.io_perfgates.yaml").write_text(yaml.safe_dump(crd))

    helm.run("install", RELEASE, str(older))
    add_gate(kube)
    uid = kube.get("PerfGate", "front-end", "shop")["metadata"]["uid"]
    assert "knownGood" not in status_fields(kube)

    helm.run("upgrade", RELEASE, str(CHART), "--set", "settings.timeouts.start=2m")
    assert "knownGood" in status_fields(kube)
    settings = kube.get("ConfigMap", f"{RELEASE}-settings", "ops")["data"]["settings.yaml"]
    assert parse_settings(settings).timeouts.start.total_seconds() == 120
    assert parse_settings(settings).leader_election.name == RELEASE, "each release has a lease of its own"

    helm.run("uninstall", RELEASE)
    assert kube.find("Deployment", RELEASE, "ops") is None
    assert kube.list("ClusterRole", selector=f"app.kubernetes.io/instance={RELEASE}") == []
    assert kube.get("PerfGate", "front-end", "shop")["metadata"]["uid"] == uid

    helm.run("install", RELEASE, str(CHART))
    assert kube.get("PerfGate", "front-end", "shop")["metadata"]["uid"] == uid


def status_fields(kube: Kube) -> dict[str, object]:
    schema = kube.get(CRD, GATES)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: dict[str, object] = schema["properties"]["status"]["properties"]
    return found


async def test_for_all_namespaces_its_operator_can_do_what_it_must(
    kube: Kube, helm: Helm, tmp_path: Path
) -> None:
    helm.run("install", RELEASE, str(CHART))
    async with as_service_account(kube, RELEASE, "ops", tmp_path) as operator:
        assert [right for right in rights("operator") if not await can(operator, *right)] == []
        assert [right for right in rights("own") if not await can(operator, *right, namespace="ops")] == []
        optional = [*rights("quiesce"), *rights("volumeSnapshots")]
        assert [right for right in optional if await can(operator, *right)] == []
        assert not await can(operator, "get", "", "secrets")
    await sockets_closed()


async def test_for_named_namespaces_it_needs_no_cluster_role_and_has_no_right_elsewhere(
    kube: Kube, helm: Helm, tmp_path: Path
) -> None:
    before = {each["metadata"]["name"] for each in kube.list("ClusterRole")}
    named = ["--set", "namespaces={shop}", "--set", "crds.install=false"]
    helm.run("install", RELEASE, str(CHART), *named, "--set", "dataReset.quiesce=true")

    assert {each["metadata"]["name"] for each in kube.list("ClusterRole")} == before
    assert kube.find(CRD, GATES) is None
    settings = parse_settings(kube.get("ConfigMap", f"{RELEASE}-settings", "ops")["data"]["settings.yaml"])
    assert (settings.namespaces, settings.agent_tokens) == (("shop",), "Verify")
    namespaced = [right for right in rights("operator") if right[1] != "authentication.k8s.io"]
    async with as_service_account(kube, RELEASE, "ops", tmp_path) as operator:
        refused = [right for right in namespaced if not await can(operator, *right, namespace="shop")]
        granted = [right for right in namespaced if await can(operator, *right, namespace="bank")]
        assert (refused, granted) == ([], [])
        optional = [await can(operator, *right, namespace="shop") for right in rights("quiesce")]
        unasked = [await can(operator, *right, namespace="shop") for right in rights("volumeSnapshots")]
        assert (set(optional), set(unasked)) == ({True}, {False})
    await sockets_closed()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("replicas=2", "additional properties 'replicas' not allowed"),
        ("image.pullPolicy=Sometimes", "image/pullPolicy"),
        ("namespaces={Shop}", "namespaces/0"),
        ("secretMounts.slack=", "secretMounts/slack"),
    ],
)
def test_values_that_cannot_be_used_are_refused_by_name(helm: Helm, wrong: str, words: str) -> None:
    with pytest.raises(HelmError, match=words):
        helm.run("install", RELEASE, str(CHART), "--set", wrong, "--dry-run=client")


def test_its_pod_is_admitted_under_the_restricted_standard(kube: Kube, helm: Helm) -> None:
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.patch("Namespace", "ops", None, {"metadata": {"labels": label}})
    account = {"name": RELEASE, "namespace": "ops"}
    helm.run("install", RELEASE, str(CHART), "--set", "secretMounts.slack=slack-token")
    spec = kube.get("Deployment", RELEASE, "ops")["spec"]["template"]["spec"]
    assert kube.get("ServiceAccount", **account)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "ops"}, "spec": spec}
    kube.create(pod)
    assert kube.get("Pod", "one", "ops")["spec"]["volumes"][1]["secret"]["secretName"] == "slack-token"
