"""A Kubernetes API for scripts and tests: plain dicts in and out, and waiting with an end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from hack.cluster import settings

Object = dict[str, Any]
T = TypeVar("T")

FIELD_MANAGER: Final = "devperfops-hack"
_API_VERSIONS: Final = {
    "PerfGate": "devperfops.io/v1alpha1",
    "PerfRun": "devperfops.io/v1alpha1",
    "QuotaPolicy": "devperfops.io/v1alpha1",
    "QuotaWaiver": "devperfops.io/v1alpha1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ControllerRevision": "apps/v1",
    "Job": "batch/v1",
    "Lease": "coordination.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "VolumeSnapshot": "snapshot.storage.k8s.io/v1",
}


class KubeError(Exception):
    """The cluster is not as it should be; the text says how."""


class NotInTime(KubeError):
    """What was waited for did not come."""


def wait_for(what: str, probe: Callable[[], T | None], *, seconds: float, interval: float = 0.5) -> T:
    """The first true answer of `probe`.

    Raises:
        NotInTime: none within `seconds`; with the last answer.
    """
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {seconds:.0f} s: {what}")
        time.sleep(interval)
    return answer


def kustomize(folder: Path) -> list[Object]:
    """The objects of a kustomization, as `kubectl apply -k` would send them.

    Raises:
        KubeError: kubectl is missing or does not like it.
    """
    argv = [kubectl(), "kustomize", str(folder)]
    try:
        rendered = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise KubeError("kubectl is not on PATH: install it, or `make cluster-up` builds one") from None
    except subprocess.CalledProcessError as error:
        raise KubeError(f"{' '.join(argv)}: {error.stderr.strip()}") from None
    return [each for each in yaml.safe_load_all(rendered) if each]


def kubectl() -> str:
    """The cluster's own kubectl if it has been built, else the one on PATH."""
    built = settings.cache().bin / "kubectl"
    return str(built) if built.exists() else "kubectl"


@dataclass(frozen=True)
class Kube:
    """One cluster, as the user of a kubeconfig."""

    kubeconfig: Path

    @cached_property
    def client(self) -> ApiClient:
        client: ApiClient = new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=str(self.kubeconfig)
        )
        return client

    @cached_property
    def _dynamic(self) -> DynamicClient:
        return DynamicClient(self.client)  # type: ignore[no-untyped-call]

    def find(
        self, kind: str, name: str, namespace: str | None = None, api_version: str | None = None
    ) -> Object | None:
        """The object, or None when there is none."""
        try:
            found: Object = self._resource(kind, api_version).get(name=name, namespace=namespace).to_dict()
        except ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return found

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """The object.

        Raises:
            LookupError: there is none.
        """
        found = self.find(kind, name, namespace)
        if found is None:
            raise LookupError(f"there is no {kind} {namespace}/{name}")
        return found

    def list(self, kind: str, namespace: str | None = None, selector: str = "") -> list[Object]:
        """The objects of a kind; without `namespace`, of all of them."""
        found = self._resource(kind).get(namespace=namespace, label_selector=selector)
        return [each.to_dict() for each in found.items]

    def apply(self, objects: Iterable[Object]) -> None:
        """Server-side apply, in order: what these objects say holds afterwards."""
        for each in objects:
            resource = self._resource(each["kind"], each["apiVersion"])
            metadata = each["metadata"]
            resource.server_side_apply(
                body=each,
                name=metadata["name"],
                namespace=metadata.get("namespace"),
                field_manager=FIELD_MANAGER,
                force_conflicts=True,
            )

    def create(self, body: Object) -> Object:
        resource = self._resource(body["kind"], body["apiVersion"])
        created: Object = resource.create(body=body, namespace=body["metadata"].get("namespace")).to_dict()
        return created

    def patch(self, kind: str, name: str, namespace: str | None, body: Mapping[str, Any]) -> None:
        """A JSON merge patch."""
        self._resource(kind).patch(
            name=name, namespace=namespace, body=body, content_type="application/merge-patch+json"
        )

    def delete(
        self, kind: str, name: str, namespace: str | None = None, api_version: str | None = None
    ) -> None:
        """Ask for its deletion; it is no error if there is none."""
        try:
            self._resource(kind, api_version).delete(name=name, namespace=namespace)
        except (ApiException, ResourceNotFoundError) as error:
            if getattr(error, "status", HTTPStatus.NOT_FOUND) != HTTPStatus.NOT_FOUND:
                raise

    def request(self, path: str, *, seconds: float) -> str:
        """GET a path of the API server, so also what it proxies to a Service.

        Raises:
            ApiException: any status but 2xx.
        """
        answer = self._dynamic.request("get", path, serialize=False, _request_timeout=seconds)
        text: str = answer.data.decode()
        return text

    def logs(self, pod: Object, container: str) -> str:
        """What a container has written; or why that cannot be read."""
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log?container={container}"
        try:
            return self.request(path, seconds=10)
        except ApiException as error:
            return f"no logs: {error.status} {error.reason}"

    def token(self, service_account: str, namespace: str, *, seconds: int = 7200) -> str:
        """A token of a ServiceAccount."""
        answer = self._dynamic.request(
            "post",
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token",
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"expirationSeconds": seconds},
            },
        )
        return str(answer.status.token)

    def _resource(self, kind: str, api_version: str | None = None) -> Any:
        return self._dynamic.resources.get(
            api_version=api_version or _API_VERSIONS.get(kind, "v1"), kind=kind
        )


def rolled_out(deployment: Object) -> bool:
    """Whether every replica is of the present template, ready, and nothing else is left."""
    status, replicas = deployment.get("status", {}), deployment["spec"]["replicas"]
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == replicas
        and status.get("readyReplicas", 0) == replicas
        and status.get("replicas", 0) == replicas
    )


def condition(subject: Object, kind: str) -> Object:
    """One of an object's conditions; {} when it has none of that type."""
    found = [each for each in subject.get("status", {}).get("conditions", []) if each["type"] == kind]
    return found[0] if found else {}
