"""deploy/: the least rights, a restricted pod, settings the operator reads, and an install.yaml that is not stale."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devperfops_operator.adapters.kubernetes.resources import RESOURCES
from devperfops_operator.api import rights
from devperfops_operator.api.settings import Settings, parse_settings
from devperfops_operator.controller.store import KINDS
from devperfops_operator.main import POD_VARIABLE
from hack import install_yaml

ROOT = Path(__file__).parents[2]
BASE = ROOT / "deploy/kustomize/base"
INSTALL = list(yaml.safe_load_all((ROOT / "deploy/install.yaml").read_text()))

NEEDED = {**rights.NAMESPACED, **rights.CLUSTER}


def installed(kind: str, name: str) -> dict:
    return next(each for each in INSTALL if (each["kind"], each["metadata"]["name"]) == (kind, name))


def granted(role: dict) -> Iterator[tuple[tuple[str, str], set[str]]]:
    for rule in role["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield (group, resource), set(rule["verbs"])


def test_the_operator_has_exactly_the_rights_it_needs():
    found = list(granted(installed("ClusterRole", "devperfops-operator")))

    assert dict(found) == NEEDED
    assert len(found) == len(NEEDED), "a right is written down twice"


@pytest.mark.parametrize(
    ("component", "needed"),
    [("quiesce", rights.QUIESCE), ("volume-snapshots", rights.VOLUME_SNAPSHOTS)],
)
def test_a_component_adds_exactly_what_it_is_for(component, needed):
    file = ROOT / "deploy/kustomize/components" / component / "rbac.yaml"
    role, binding = yaml.safe_load_all(file.read_text())

    assert dict(granted(role)) == needed
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == installed("ClusterRoleBinding", "devperfops-operator")["subjects"]


def test_in_its_own_namespace_it_may_keep_a_lease():
    role, binding = (installed(kind, "devperfops-operator") for kind in ("Role", "RoleBinding"))
    deployment = installed("Deployment", "devperfops-operator")

    assert dict(granted(role)) == dict(rights.OWN)
    assert {each["metadata"]["namespace"] for each in (role, binding, deployment)} == {"devperfops-system"}
    assert binding["roleRef"]["kind"] == "Role"
    assert binding["subjects"] == installed("ClusterRoleBinding", "devperfops-operator")["subjects"]


def test_a_container_started_anew_is_the_same_candidate_for_the_lease():
    [container] = installed("Deployment", "devperfops-operator")["spec"]["template"]["spec"]["containers"]

    assert {"name": POD_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}} in container[
        "env"
    ]


def test_every_kind_that_is_watched_may_be_listed_and_watched():
    for kind in KINDS:
        resource = RESOURCES[kind]
        group = resource.api_version.rpartition("/")[0]
        assert {"list", "watch"} <= NEEDED[group, resource.plural], kind


def test_nobody_gets_secrets_or_everything():
    for role in (each for each in INSTALL if each["kind"] in {"ClusterRole", "Role"}):
        for (group, resource), verbs in granted(role):
            assert "*" not in {group, resource, *verbs}, role["metadata"]["name"]
            assert resource.partition("/")[0] != "secrets"
            assert not verbs & {"escalate", "bind", "impersonate"}


def test_the_role_is_bound_to_the_operators_own_account():
    binding = installed("ClusterRoleBinding", "devperfops-operator")
    pod = installed("Deployment", "devperfops-operator")["spec"]["template"]["spec"]

    assert binding["roleRef"]["name"] == "devperfops-operator"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": pod["serviceAccountName"], "namespace": "devperfops-system"}
    ]


def test_users_roles_are_aggregated():
    view, edit = installed("ClusterRole", "devperfops-view"), installed("ClusterRole", "devperfops-edit")
    aggregated = "rbac.authorization.k8s.io/aggregate-to-"

    assert {f"{aggregated}{role}" for role in ("view", "edit", "admin")} <= set(view["metadata"]["labels"])
    assert {f"{aggregated}{role}" for role in ("edit", "admin")} <= set(edit["metadata"]["labels"])
    assert f"{aggregated}view" not in edit["metadata"]["labels"]
    assert all(verbs == {"get", "list", "watch"} for _, verbs in granted(view))


def test_the_pod_meets_the_restricted_standard():
    namespace = installed("Namespace", "devperfops-system")
    pod = installed("Deployment", "devperfops-operator")["spec"]["template"]["spec"]

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all(set(volume) <= {"name", "configMap"} for volume in pod["volumes"])
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_there_are_never_two_operators():
    spec = installed("Deployment", "devperfops-operator")["spec"]

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_the_settings_fit_the_service_and_the_pod():
    pod = installed("Deployment", "devperfops-operator")["spec"]["template"]["spec"]
    service = installed("Service", "devperfops-operator")
    mounted = installed("ConfigMap", pod["volumes"][0]["configMap"]["name"])
    settings = parse_settings(mounted["data"]["settings.yaml"])
    [container], [port] = pod["containers"], service["spec"]["ports"]

    assert settings.operator_url == f"http://devperfops-operator.devperfops-system.svc:{port['port']}"
    assert container["ports"] == [{"name": port["targetPort"], "containerPort": settings.port}]
    assert container["image"] == settings.images.operator
    assert container["args"] == [f"--config={container['volumeMounts'][0]['mountPath']}/settings.yaml"]
    assert service["spec"]["selector"].items() <= (
        installed("Deployment", "devperfops-operator")["spec"]["template"]["metadata"]["labels"].items()
    )


@pytest.mark.parametrize("setting", [field.alias for field in Settings.model_fields.values()])
def test_every_setting_is_documented(setting):
    lines = (BASE / "settings.yaml").read_text().splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith(f"{setting}:")]

    assert lines[at - 1].startswith("#")


def test_install_yaml_is_not_stale():
    assert install_yaml.fingerprint() in install_yaml.TARGET.read_text(), "run `make install-yaml`"
