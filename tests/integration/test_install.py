"""install.yaml on a real API server: it is what kustomize renders, and the operator's own identity can do
what it must and no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from kubernetes.client.exceptions import ApiException

from devperfops_operator.adapters.kubernetes import Connection
from hack import install_yaml
from hack.kube import Kube
from tests.integration.world import as_service_account

SYSTEM = "devperfops-system"
OBJECTS = list(yaml.safe_load_all(install_yaml.TARGET.read_text()))
ROLE = next(
    each
    for each in OBJECTS
    if (each["kind"], each["metadata"]["name"]) == ("ClusterRole", "devperfops-operator")
)
RIGHTS = [
    (verb, group, resource)
    for rule in ROLE["rules"]
    for group in rule["apiGroups"]
    for resource in rule["resources"]
    for verb in rule["verbs"]
]
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]


@pytest.fixture(scope="module")
def installed(kube: Kube) -> Kube:
    kube.apply(OBJECTS)
    kube.apply(OBJECTS)  # again changes nothing
    return kube


@pytest.fixture
async def operator(installed: Kube, tmp_path: Path) -> AsyncIterator[Connection]:
    """The API server, as the operator's own ServiceAccount."""
    async with as_service_account(installed, "devperfops-operator", SYSTEM, tmp_path) as connection:
        yield connection


async def can(
    operator: Connection, verb: str, group: str, resource: str, *, namespace: str | None = None
) -> bool:
    """In the namespace; without one, for a watch in all of them."""
    where = namespace or ("" if verb == "watch" else "sock-shop")
    name, _, subresource = resource.partition("/")
    asked = {"verb": verb, "group": group, "resource": name, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**asked, "namespace": where}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return (await operator.request("POST", path, body=review))["status"]["allowed"]


@pytest.mark.usefixtures("api_server")  # kubectl is there when it is
def test_install_yaml_is_what_kustomize_renders():
    assert install_yaml.TARGET.read_text() == install_yaml.render(), "run `make install-yaml`"


async def test_the_operator_can_do_what_it_must(operator):
    refused = [right for right in RIGHTS if not await can(operator, *right)]

    assert len(RIGHTS) > 30
    assert refused == []


@pytest.mark.parametrize(
    ("group", "resource"),
    [
        ("", "secrets"),
        ("", "serviceaccounts/token"),
        ("", "pods/exec"),
        ("", "nodes"),
        ("*", "*"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ],
)
async def test_the_operator_cannot_touch_what_is_not_its_own(operator, group, resource):
    assert [verb for verb in VERBS if await can(operator, verb, group, resource)] == []


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("update", "devperfops.io", "perfgates"),
        ("patch", "devperfops.io", "perfgates"),
        ("delete", "devperfops.io", "perfgates"),
        ("create", "apps", "deployments"),
        ("delete", "apps", "deployments"),
        ("create", "", "pods"),
        ("delete", "", "pods"),
        ("update", "", "configmaps"),
        ("patch", "", "configmaps"),
    ],
)
async def test_the_operator_has_no_more_of_what_it_uses(operator, verb, group, resource):
    assert not await can(operator, verb, group, resource)


def test_its_pod_is_admitted_under_the_restricted_standard(installed):
    template = installed.get("Deployment", "devperfops-operator", SYSTEM)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}

    installed.create({**pod, "metadata": {"generateName": "restricted-", "namespace": SYSTEM}})

    template["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(ApiException, match="violates PodSecurity"):
        installed.create({**pod, "metadata": {"generateName": "root-", "namespace": SYSTEM}})
