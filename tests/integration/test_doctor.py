"""`devperfops doctor` against a real API server: it sees what is wrong, says what to do, and stops at nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.install_yaml import TARGET
from hack.kube import Kube, wait_for
from tests import api_cases
from tests.integration.test_cli import Shell
from tests.integration.world import changed_kubeconfig, status_of

pytestmark = pytest.mark.integration

SYSTEM, OPERATOR = "devperfops-system", "devperfops-operator"
GATES = "perfgates.devperfops.io"
OBJECTS = list(yaml.safe_load_all(TARGET.read_text()))


@pytest.fixture
def installed(own_kube: Kube) -> Kube:
    """The operator, ready as far as its Deployment says, and a namespace `shop`."""
    own_kube.apply(OBJECTS)
    own_kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    status_of(own_kube, "Deployment", OPERATOR, SYSTEM, {"replicas": 1, "readyReplicas": 1})
    served(own_kube)
    return own_kube


def served(kube: Kube) -> None:
    """A CRD that was just made or changed is not served for a moment."""
    wait_for("gates and runs are served", lambda: shell(kube).run("get", "runs").code == 0, seconds=30)
    wait_for("gates and runs are served", lambda: shell(kube).run("get").code == 0, seconds=30)


def shell(kube: Kube) -> Shell:
    return Shell(kube.kubeconfig, "shop")


def found(kube: Kube, state: str, code: int) -> dict[str, str]:
    """What doctor says in this state, by what it is about; it must end with this code."""
    done = shell(kube).run("doctor", "-o", "json")
    assert done.code == code, done.stdout + done.stderr
    checks = json.loads(done.stdout)
    assert [each for each in checks if each["state"] == "problem" and not each["remedy"]] == []
    return {each["about"]: f"{each['found']} → {each['remedy']}" for each in checks if each["state"] == state}


def settings(kube: Kube) -> dict[str, Any]:
    (name,) = [
        volume["configMap"]["name"]
        for volume in kube.get("Deployment", OPERATOR, SYSTEM)["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "settings"
    ]
    return kube.get("ConfigMap", name, SYSTEM)


def change_settings(kube: Kube, changes: Mapping[str, Any]) -> None:
    stored = settings(kube)
    text = yaml.safe_dump({**yaml.safe_load(stored["data"]["settings.yaml"]), **changes})
    kube.patch("ConfigMap", stored["metadata"]["name"], SYSTEM, {"data": {"settings.yaml": text}})


def test_a_sound_installation_has_no_problem(installed: Kube) -> None:
    about = found(installed, "ok", 0)
    assert {
        "API server",
        "Clock",
        "CRD PerfGate",
        "CRD PerfRun",
        "Operator",
        "Settings",
        "Its rights",
    } <= set(about)
    said = shell(installed).run("doctor").stdout
    assert "✓  Operator" in said
    assert "No problem found" in said


def test_without_an_operator_it_says_how_to_install_one(own_kube: Kube) -> None:
    own_kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    about = found(own_kube, "problem", 1)
    assert "deploy/install.yaml" in about["Operator"]
    assert "is not installed → kubectl apply" in about["CRD PerfGate"]


def test_a_missing_right_is_named(installed: Kube) -> None:
    role = installed.get("ClusterRole", OPERATOR)
    rules = [rule for rule in role["rules"] if "jobs" not in rule["resources"]]
    installed.patch("ClusterRole", OPERATOR, None, {"rules": rules})
    assert "may not create jobs, delete jobs" in found(installed, "problem", 1)["Its rights"]


def test_an_older_crd_is_found_by_a_field_it_lacks(installed: Kube) -> None:
    crd = installed.get("CustomResourceDefinition", GATES)
    versions = crd["spec"]["versions"]
    del versions[0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["knownGood"]
    installed.patch("CustomResourceDefinition", GATES, None, {"spec": {"versions": versions}})
    served(installed)
    said = found(installed, "problem", 1)["CRD PerfGate"]
    assert "lacks status.knownGood" in said
    assert "crds/devperfops.io_perfgates.yaml" in said


def test_settings_that_cannot_be_used_are_quoted_with_their_field(installed: Kube) -> None:
    change_settings(installed, {"timeout": {"start": "5m"}})
    assert "timeout: there is no such setting" in found(installed, "problem", 1)["Settings"]


def test_an_operator_for_other_namespaces_is_none_for_this_one(installed: Kube) -> None:
    change_settings(installed, {"namespaces": ["bank"]})
    assert "looks after namespace shop" in found(installed, "problem", 1)["Operator"]


def test_gates_that_need_something_are_named(installed: Kube) -> None:
    counters = {
        "spec.prometheus": "monitorng",
        "spec.objectives": [{"expect": "good >= 99%", "good": "good_total", "total": "all_total"}],
    }
    installed.create(api_cases.gate({"metadata.namespace": "shop", **counters}))
    change_settings(installed, {"prometheus": {"monitoring": {"url": "http://prometheus:9090"}}})
    about = found(installed, "problem", 1)
    assert (
        'spec.prometheus is "monitorng"; the operator\'s settings name monitoring'
        in about["Prometheus of front-end"]
    )
    assert "no operator has seen it" in about["Gate front-end"]


def checked_policy(kube: Kube, ago: timedelta, stalled: str = "False") -> None:
    """As an operator has left it."""
    at = f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"
    condition = {
        "type": "Stalled",
        "status": stalled,
        "reason": "QuotaUnknown" if stalled == "True" else "Checked",
        "message": "ConfigMap january does not exist",
        "lastTransitionTime": at,
    }
    status_of(kube, "QuotaPolicy", "january", "shop", {"checkedAt": at, "conditions": [condition]})


def test_quota_policies_that_nobody_checks_or_can_read_are_named(installed: Kube) -> None:
    installed.create(api_cases.policy({"metadata.namespace": "shop", "spec.interval": "30m"}))
    about = "QuotaPolicy january"
    assert "no operator has checked it" in found(installed, "problem", 1)[about]
    checked_policy(installed, timedelta(minutes=59))
    assert "can be read, and is checked" in found(installed, "ok", 0)[about]
    checked_policy(installed, timedelta(minutes=61))
    said = found(installed, "problem", 1)[about]
    assert "stalled: it was last checked at" in said
    assert "and is to be every 30m" in said
    checked_policy(installed, timedelta(minutes=1), "True")
    assert "QuotaUnknown: ConfigMap january does not exist" in found(installed, "problem", 1)[about]


@pytest.mark.parametrize(("ahead", "state", "code"), [(30, "problem", 1), (-30, "problem", 1), (0, "ok", 0)])
def test_a_node_whose_clock_is_wrong_is_found_by_its_lease(
    installed: Kube, ahead: int, state: str, code: int
) -> None:
    now = (datetime.now(UTC) + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = {"holderIdentity": "node-1", "renewTime": now}
    metadata = {"name": "node-1", "namespace": "kube-node-lease"}
    installed.create(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": lease}
    )
    said = found(installed, state, code)["Clocks of nodes"]
    assert ("ahead" if ahead > 0 else "behind" if ahead < 0 else "1 within") in said


def test_what_a_person_may_not_see_is_said_and_stops_nothing(installed: Kube, tmp_path: Path) -> None:
    installed.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "guest", "namespace": "shop"}}
    )
    user = {"token": installed.token("guest", "shop")}
    guest = Shell(Path(changed_kubeconfig(installed.kubeconfig, tmp_path, user=user)), "shop")
    done = guest.run("doctor", "-o", "json")
    states = {each["about"]: each["state"] for each in json.loads(done.stdout)}
    assert states["API server"] == "ok"
    assert states["Your rights"] == "problem"
    assert {states[about] for about in ("Operator", "CRDs", "Clocks of nodes", "Gates")} == {"unknown"}
    assert done.code == 1


def test_a_cluster_that_does_not_answer_is_an_error(installed: Kube, tmp_path: Path) -> None:
    away = {"server": "https://127.0.0.1:9"}
    done = Shell(Path(changed_kubeconfig(installed.kubeconfig, tmp_path, cluster=away)), "shop").run("doctor")
    assert done.code == 2
    assert "does not answer" in done.stderr
