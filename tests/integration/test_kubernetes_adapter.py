"""The Kubernetes adapter against a real API server: what it changes, and how it says that it could not."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devperfops_operator.adapters.kubernetes import Cluster, Connection, TokenReviewer, connect
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.domain.errors import Conflict, Refused, Unauthenticated, Unavailable
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL
from hack.kube import Kube
from tests import api_cases
from tests.integration.world import changed_kubeconfig, request_token, sockets_closed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture
def cluster(connection: Connection) -> Cluster:
    return Cluster(connection)


@pytest.fixture
async def powerless(api_server: Path, kube: Kube, namespace: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    """The cluster as a ServiceAccount sees it that nobody has given any right."""
    create_service_account(kube, namespace)
    user = {"token": kube.token("agent", namespace)}
    connection = await connect(changed_kubeconfig(api_server, tmp_path, user=user))
    yield Cluster(connection)
    await connection.close()


def create_service_account(kube: Kube, namespace: str) -> None:
    kube.create(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "agent", "namespace": namespace},
        }
    )


def deployment(namespace: str) -> dict[str, Any]:
    pod = {
        "metadata": {"labels": {"app": "front-end"}},
        "spec": {"containers": [{"name": "app", "image": "podinfo:1", "env": [{"name": "A", "value": "1"}]}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "front-end", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "front-end"}}, "template": pod},
    }


def config_map(namespace: str, **content: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "scenario", "namespace": namespace},
        **content,
    }


def snapshot(namespace: str, *, owner: str | None = None) -> dict[str, Any]:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": "front-end-1",
            "namespace": namespace,
            "ownerReferences": [reference] if owner else [],
        },
        "revision": 1,
        "data": {"template": {"z": "<a> & 'b' é 😀 \u2028 \x7f \x01 \t", "a": [1, {"y": None, "x": 2**53}]}},
    }


def job(namespace: str) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "jmeter", "image": "jmeter:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "front-end-1", "namespace": namespace},
        "spec": {"template": {"spec": pod}},
    }


def gate(namespace: str) -> dict[str, Any]:
    return api_cases.gate({"metadata.namespace": namespace})


def image(deployment: dict[str, Any]) -> str:
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


async def test_what_does_not_exist_is_none(cluster: Cluster, namespace: str) -> None:
    assert await cluster.get("Deployment", namespace, "nothing") is None
    assert await cluster.config_map(namespace, "nothing") is None


async def test_a_config_map_gives_text_and_binary_data(cluster: Cluster, kube: Kube, namespace: str) -> None:
    kube.create(config_map(namespace, data={"a.jmx": "<x/>"}, binaryData={"b.jmx": "/w=="}))

    assert await cluster.config_map(namespace, "scenario") == {"a.jmx": "<x/>", "b.jmx": "\xff"}


async def test_a_list_is_complete_beyond_one_page_and_names_its_kind(
    cluster: Cluster, namespace: str
) -> None:
    names = [f"scenario-{number:03}" for number in range(501)]
    for name in names:
        manifest = config_map(namespace)
        manifest["metadata"] = {"name": name, "namespace": namespace, "labels": {"part": "load"}}
        await cluster.create(manifest)

    listing = await cluster.list("ConfigMap", namespace, "part=load")

    assert [item["metadata"]["name"] for item in listing.items] == names
    assert {(item["kind"], item["apiVersion"]) for item in listing.items} == {("ConfigMap", "v1")}
    assert int(listing.resource_version) > 0


async def test_created_twice_is_created_once(cluster: Cluster, namespace: str) -> None:
    first = await cluster.create(snapshot(namespace))

    second = await cluster.create(snapshot(namespace))

    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_name_that_somebody_else_has_taken_is_refused(cluster: Cluster, namespace: str) -> None:
    await cluster.create(snapshot(namespace))

    with pytest.raises(Refused, match="belongs to somebody else"):
        await cluster.create(snapshot(namespace, owner="4711"))


async def test_an_invalid_object_is_refused_with_the_servers_own_words(
    cluster: Cluster, namespace: str
) -> None:
    manifest = job(namespace)
    manifest["spec"]["template"]["spec"]["restartPolicy"] = "Always"

    with pytest.raises(Refused, match=r"spec\.template\.spec\.restartPolicy") as refused:
        await cluster.create(manifest)

    assert refused.value.reason == "Invalid"


async def test_what_is_forbidden_is_refused(powerless: Cluster, namespace: str) -> None:
    with pytest.raises(Refused, match="cannot create resource") as refused:
        await powerless.create(job(namespace))

    assert refused.value.reason == "Forbidden"


async def test_an_api_server_that_cannot_be_reached_is_unavailable(api_server: Path, tmp_path: Path) -> None:
    nowhere = {"server": "https://127.0.0.1:1"}
    connection = await connect(changed_kubeconfig(api_server, tmp_path, cluster=nowhere))

    try:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await Cluster(connection).get("Job", "default", "any")
    finally:
        await connection.close()


async def test_without_any_configuration_there_is_no_way_to_the_api_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(Unavailable, match="set KUBECONFIG"):
        await connect()


async def test_a_rollback_replaces_the_whole_template(cluster: Cluster, kube: Kube, namespace: str) -> None:
    old = kube.create(deployment(namespace))["spec"]["template"]
    changed = copy.deepcopy(old)
    container = changed["spec"]["containers"][0]
    container.update(image="podinfo:2", env=[*container["env"], {"name": "B", "value": "2"}])
    kube.patch("Deployment", "front-end", namespace, {"spec": {"template": changed}})
    current = await cluster.get("Deployment", namespace, "front-end")
    assert current is not None

    answer = await cluster.replace_template(namespace, "front-end", current["spec"]["template"], old)

    stored = kube.get("Deployment", "front-end", namespace)
    assert stored["spec"]["template"] == old
    assert answer["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]


async def test_a_template_that_has_changed_meanwhile_is_a_conflict_and_stays(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    expected = kube.create(deployment(namespace))["spec"]["template"]
    kube.patch(
        "Deployment",
        "front-end",
        namespace,
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "podinfo:3"}]}}}},
    )

    with pytest.raises(Conflict):
        await cluster.replace_template(namespace, "front-end", expected, expected)

    assert image(kube.get("Deployment", "front-end", namespace)) == "podinfo:3"


async def test_an_invalid_template_is_refused_and_no_conflict(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    expected = kube.create(deployment(namespace))["spec"]["template"]
    invalid = copy.deepcopy(expected)
    invalid["metadata"]["labels"] = {"app": "other"}

    with pytest.raises(Refused, match="selector"):
        await cluster.replace_template(namespace, "front-end", expected, invalid)


async def test_a_deployment_that_is_gone_is_a_conflict(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(Conflict, match="deleted meanwhile"):
        await cluster.replace_template(namespace, "front-end", {}, {})


async def test_a_status_is_written_and_the_spec_is_not(cluster: Cluster, kube: Kube, namespace: str) -> None:
    stored = await cluster.create(gate(namespace))
    metadata = PerfGate.from_json(stored).metadata

    written = await cluster.write_status("PerfGate", metadata, {"knownGood": "abc", "observedGeneration": 1})

    found = kube.get("PerfGate", "front-end", namespace)
    assert found["status"] == {"knownGood": "abc", "observedGeneration": 1}
    assert found["spec"] == stored["spec"]
    assert written["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


async def test_a_status_decided_on_an_older_object_is_a_conflict(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    metadata = PerfGate.from_json(await cluster.create(gate(namespace))).metadata
    kube.patch("PerfGate", "front-end", namespace, {"metadata": {"labels": {"somebody": "was-faster"}}})

    with pytest.raises(Conflict):
        await cluster.write_status("PerfGate", metadata, {"knownGood": "abc"})

    assert "knownGood" not in kube.get("PerfGate", "front-end", namespace).get("status", {})


async def test_a_status_of_a_deleted_object_is_a_conflict(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    metadata = PerfGate.from_json(await cluster.create(gate(namespace))).metadata
    kube.delete("PerfGate", "front-end", namespace)

    with pytest.raises(Conflict):
        await cluster.write_status("PerfGate", metadata, {"knownGood": "abc"})


async def test_a_snapshot_is_marked_as_known_good(cluster: Cluster, kube: Kube, namespace: str) -> None:
    await cluster.create(snapshot(namespace))

    first = await cluster.mark_known_good(namespace, "front-end-1")
    second = await cluster.mark_known_good(namespace, "front-end-1")

    stored = kube.get("ControllerRevision", "front-end-1", namespace)
    assert stored["metadata"]["labels"] == {KNOWN_GOOD_LABEL: "true"}
    assert stored["data"] == snapshot(namespace)["data"]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    "content_type", ["application/merge-patch+json", "application/strategic-merge-patch+json"]
)
async def test_everybody_may_change_a_snapshots_metadata(
    cluster: Cluster, connection: Connection, kube: Kube, namespace: str, content_type: str
) -> None:
    """As the garbage collector does. The API server compares `data` byte by byte."""
    await cluster.create(snapshot(namespace))

    path = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions/front-end-1"
    body = {"metadata": {"annotations": {"by": "somebody"}}}
    await connection.request("PATCH", path, body=body, content_type=content_type)

    stored = kube.get("ControllerRevision", "front-end-1", namespace)
    assert stored["metadata"]["annotations"] == {"by": "somebody"}


async def test_a_job_is_suspended_and_deleted_and_that_is_no_error_twice(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    await cluster.create(job(namespace))

    suspended = await cluster.suspend_job(namespace, "front-end-1")
    assert suspended is not None
    assert kube.get("Job", "front-end-1", namespace)["spec"]["suspend"] is True

    await cluster.delete("Job", namespace, "front-end-1")
    await cluster.delete("Job", namespace, "front-end-1")
    assert kube.find("Job", "front-end-1", namespace) is None
    assert await cluster.suspend_job(namespace, "front-end-1") is None


async def test_the_pods_of_a_rollout_are_those_its_selector_matches(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    stored = kube.create(deployment(namespace))
    for name, app in (("mine", "front-end"), ("other", "back-end")):
        metadata = {"name": name, "namespace": namespace, "labels": {"app": app}}
        pod = {"containers": [{"name": "app", "image": "podinfo:1"}]}
        kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})

    replica_sets, pods = await cluster.rollout(stored)

    assert [pod["metadata"]["name"] for pod in pods] == ["mine"]
    assert list(replica_sets) == []


@pytest.fixture
def pod(kube: Kube, namespace: str) -> dict[str, Any]:
    create_service_account(kube, namespace)
    spec = {"serviceAccountName": "agent", "containers": [{"name": "jmeter", "image": "jmeter:1"}]}
    metadata = {"name": "front-end-1-0-abcde", "namespace": namespace}
    return kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


async def test_a_token_proves_which_pod_has_it(
    connection: Connection, namespace: str, pod: dict[str, Any]
) -> None:
    token = await request_token(connection, namespace, "devperfops", pod)

    identity = await TokenReviewer(connection).review(token)

    assert (identity.namespace, identity.pod) == (namespace, "front-end-1-0-abcde")
    assert identity.pod_uid == pod["metadata"]["uid"]


async def test_a_token_for_another_audience_proves_nothing(
    connection: Connection, namespace: str, pod: dict[str, Any]
) -> None:
    token = await request_token(connection, namespace, "somebody-else", pod)

    with pytest.raises(Unauthenticated, match="audience devperfops"):
        await TokenReviewer(connection).review(token)


async def test_a_token_of_a_deleted_pod_proves_nothing(
    connection: Connection, namespace: str, pod: dict[str, Any]
) -> None:
    token = await request_token(connection, namespace, "devperfops", pod)
    path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
    await connection.request("DELETE", path, body={"gracePeriodSeconds": 0})

    async with asyncio.timeout(10):  # the API server learns of the deletion through a watch of its own
        while await proves_something(connection, token):
            pass


async def proves_something(connection: Connection, token: str) -> bool:
    try:
        await TokenReviewer(connection).review(token)
    except Unauthenticated:
        return False
    return True


async def test_a_token_that_is_none_proves_nothing(connection: Connection) -> None:
    with pytest.raises(Unauthenticated):
        await TokenReviewer(connection).review("nonsense")


async def test_owners_are_written_for_what_was_read_only(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    kube.create(deployment(namespace))
    stored = await cluster.get("Deployment", namespace, "front-end")
    assert stored is not None
    metadata = stored["metadata"]
    entries = [{**entry, "manager": "somebody"} for entry in metadata["managedFields"]]
    kube.patch("Deployment", "front-end", namespace, {"metadata": {"labels": {"new": "er"}}})

    with pytest.raises(Conflict):
        await cluster.write_managed_fields(namespace, "front-end", metadata["resourceVersion"], entries)


async def test_owners_that_the_api_server_does_not_keep_are_no_success(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    kube.create(deployment(namespace))
    stored = await cluster.get("Deployment", namespace, "front-end")
    assert stored is not None
    metadata = stored["metadata"]
    unreadable = {"f:spec": {"f:template": {"neither field nor key": {}}}}
    entries = [{**entry, "fieldsV1": unreadable} for entry in metadata["managedFields"]]

    with pytest.raises(Refused, match="managedFields"):
        await cluster.write_managed_fields(namespace, "front-end", metadata["resourceVersion"], entries)
