"""Reading and writing objects. Every write is idempotent or guarded by what it was decided on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from devperfops_operator.adapters.kubernetes.connection import Connection
from devperfops_operator.adapters.kubernetes.failures import AlreadyExists, NotFound
from devperfops_operator.adapters.kubernetes.metadata import Listed, Seen, follow
from devperfops_operator.adapters.kubernetes.resources import RESOURCES
from devperfops_operator.api.base import ObjectMeta
from devperfops_operator.domain.errors import Conflict, Refused
from devperfops_operator.domain.manifests.common import KNOWN_GOOD_LABEL
from devperfops_operator.domain.manifests.config_copy import config_content
from devperfops_operator.domain.manifests.ownership import LAST_APPLIED, same_owners

Raw = dict[str, Any]

FIELD_MANAGER: Final = "devperfops-operator"
_WRITTEN: Final = {"fieldManager": FIELD_MANAGER}
_MERGE_PATCH: Final = "application/merge-patch+json"
_JSON_PATCH: Final = "application/json-patch+json"
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind at one moment, which `resource_version` names."""

    items: Sequence[Raw]
    resource_version: str


class Cluster:
    """What the operator does with the API server.

    Every method may raise Refused, Conflict or Unavailable (see `domain.errors`).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, kind: str, namespace: str | None, name: str) -> Raw | None:
        """The object as stored; None: there is none. Without a namespace of those that belong to none."""
        try:
            return await self._connection.request("GET", RESOURCES[kind].path(namespace, name))
        except NotFound:
            return None

    async def list(self, kind: str, namespace: str | None = None, selector: str = "") -> Listing:
        """All objects that match the label selector; without a namespace those of all namespaces."""
        resource = RESOURCES[kind]
        query = {"limit": str(_PAGE), **({"labelSelector": selector} if selector else {})}
        items: list[Raw] = []
        while True:
            page = await self._connection.request("GET", resource.path(namespace), query=query)
            # The items of a list do not name their kind.
            named = {"kind": kind, "apiVersion": resource.api_version}
            items.extend({**named, **item} for item in page["items"])
            following = page["metadata"].get("continue")
            if not following:
                return Listing(items, page["metadata"]["resourceVersion"])
            query["continue"] = following

    def follow(self, kind: str, namespace: str | None = None) -> AsyncGenerator[Listed | Seen]:
        """All there is and then every change, without any content; see `metadata.follow`."""
        return follow(self._connection, RESOURCES[kind], namespace)

    async def rollout(self, deployment: Mapping[str, Any]) -> tuple[Sequence[Raw], Sequence[Raw]]:
        """The ReplicaSets and pods the Deployment's selector matches."""
        namespace = deployment["metadata"]["namespace"]
        selector = label_selector(deployment["spec"]["selector"])
        replica_sets = await self.list("ReplicaSet", namespace, selector)
        pods = await self.list("Pod", namespace, selector)
        return replica_sets.items, pods.items

    async def served(self, namespace: str, service: str) -> Sequence[Raw]:
        """The pods that the Service's selector matches; none if there is no such Service or selector."""
        stored = await self.get("Service", namespace, service)
        selector = {} if stored is None else stored["spec"].get("selector") or {}
        if not selector:
            return ()
        return (await self.list("Pod", namespace, label_selector({"matchLabels": selector}))).items

    async def config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Its data, text and binary (decoded as Latin-1) alike; None: there is no such ConfigMap."""
        stored = await self.get("ConfigMap", namespace, name)
        return None if stored is None else config_content(stored)

    async def create(self, manifest: Mapping[str, Any]) -> Raw:
        """Create it, or find it there already, made by an earlier attempt of ours.

        Raises Refused if the name is taken by an object of somebody else.
        """
        resource = RESOURCES[manifest["kind"]]
        metadata = manifest["metadata"]
        path = resource.path(metadata["namespace"])
        try:
            return await self._connection.request("POST", path, body=dict(manifest), query=_WRITTEN)
        except AlreadyExists as conflict:
            existing = await self.get(resource.kind, metadata["namespace"], metadata["name"])
            what = f"{resource.kind} {metadata['name']}"
            if existing is None or existing["metadata"].get("deletionTimestamp"):
                raise Conflict(f"an older {what} is just being deleted") from conflict
            if _owners(existing) != _owners(manifest):
                message = f"{what} exists already and belongs to somebody else; delete or rename it"
                raise Refused("AlreadyExists", message) from conflict
            return existing

    async def write_status(self, kind: str, metadata: ObjectMeta, status: Mapping[str, Any]) -> Raw:
        """Replace the status of the object as it was read. Raises Conflict if it has changed since."""
        resource = RESOURCES[kind]
        body = {
            "apiVersion": resource.api_version,
            "kind": kind,
            "metadata": {
                "name": metadata.name,
                "namespace": metadata.namespace,
                "uid": metadata.uid,
                "resourceVersion": metadata.resource_version,
            },
            "status": dict(status),
        }
        return await self._change("PUT", resource.path(metadata.namespace, metadata.name, "status"), body)

    async def mark_known_good(self, namespace: str, snapshot: str) -> Raw:
        """Label the ControllerRevision."""
        body = {"metadata": {"labels": {KNOWN_GOOD_LABEL: "true"}}}
        path = RESOURCES["ControllerRevision"].path(namespace, snapshot)
        return await self._change("PATCH", path, body, _MERGE_PATCH)

    async def replace_template(
        self,
        namespace: str,
        deployment: str,
        expected: Mapping[str, Any],
        replacement: Mapping[str, Any],
        annotation: tuple[str, str] | None = None,
    ) -> Raw:
        """Replace the pod template whole, if it still is the expected one. Raises Conflict if not.

        A JSON Patch, because apply and merge patches leave what the newer template has added. `annotation`:
        the last-applied one is replaced with it, as expected and as it becomes.
        """
        body = _exchange("/spec/template", dict(expected), dict(replacement))
        if annotation is not None:
            key = LAST_APPLIED.replace("/", "~1")
            body += _exchange(f"/metadata/annotations/{key}", *annotation)
        path = RESOURCES["Deployment"].path(namespace, deployment)
        return await self._change("PATCH", path, body, _JSON_PATCH)

    async def write_managed_fields(
        self,
        namespace: str,
        deployment: str,
        resource_version: str,
        managed_fields: Sequence[Mapping[str, Any]],
    ) -> Raw:
        """Say who set what, if nothing has changed since. Raises Conflict if it has.

        Raises Refused if the answer does not say so: something between us and the store knows better.
        """
        metadata = {"resourceVersion": resource_version, "managedFields": list(managed_fields)}
        path = RESOURCES["Deployment"].path(namespace, deployment)
        changed = await self._change("PATCH", path, {"metadata": metadata}, _MERGE_PATCH)
        if not same_owners(changed["metadata"].get("managedFields") or (), managed_fields):
            raise Refused("NotKept", f"PATCH {path}: what it says of managedFields is not what was stored")
        return changed

    async def scale(self, kind: str, namespace: str, name: str, resource_version: str, replicas: int) -> None:
        """Give the workload so many replicas, if nothing has changed since. Raises Conflict if it has."""
        path = RESOURCES[kind].path(namespace, name, "scale")
        body = {"metadata": {"resourceVersion": resource_version}, "spec": {"replicas": replicas}}
        await self._change("PATCH", path, body, _MERGE_PATCH)

    async def write_finalizers(
        self, kind: str, metadata: ObjectMeta, finalizers: Sequence[str]
    ) -> Raw | None:
        """Replace the finalizers of the object as it was read; None: it is gone.

        Raises Conflict if it has changed since.
        """
        body = {"metadata": {"resourceVersion": metadata.resource_version, "finalizers": list(finalizers)}}
        path = RESOURCES[kind].path(metadata.namespace, metadata.name)
        try:
            return await self._connection.request(
                "PATCH", path, body=body, query=_WRITTEN, content_type=_MERGE_PATCH
            )
        except NotFound:
            return None

    async def suspend_job(self, namespace: str, name: str) -> Raw | None:
        """Let the Job's pods end with grace; None: it is gone already."""
        path = RESOURCES["Job"].path(namespace, name)
        try:
            return await self._connection.request(
                "PATCH", path, body={"spec": {"suspend": True}}, query=_WRITTEN, content_type=_MERGE_PATCH
            )
        except NotFound:
            return None

    async def delete(self, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        """Delete it and, behind it, what it owns; done if it is gone already.

        Raises Conflict if a `uid` is given and there is another one of that name by now.
        """
        path = RESOURCES[kind].path(namespace, name)
        options = {"propagationPolicy": "Background", **({"preconditions": {"uid": uid}} if uid else {})}
        try:
            await self._connection.request("DELETE", path, body=options)
        except NotFound:
            return

    async def _change(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Raw:
        try:
            return await self._connection.request(
                method, path, body=body, query=_WRITTEN, content_type=content_type
            )
        except NotFound as error:
            raise Conflict(f"{error}; it was deleted meanwhile") from error


def _exchange(path: str, before: Any, after: Any) -> list[dict[str, Any]]:
    return [{"op": "test", "path": path, "value": before}, {"op": "replace", "path": path, "value": after}]


def _owners(stored: Mapping[str, Any]) -> set[str]:
    return {owner["uid"] for owner in stored["metadata"].get("ownerReferences", [])}


def label_selector(selector: Mapping[str, Any]) -> str:
    """A `metav1.LabelSelector` in the notation of a query."""
    equalities = [f"{key}={value}" for key, value in selector.get("matchLabels", {}).items()]
    return ",".join([*equalities, *map(_requirement, selector.get("matchExpressions", []))])


def _requirement(expression: Mapping[str, Any]) -> str:
    key, values = expression["key"], ",".join(expression.get("values", []))
    match expression["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
        case _:  # DoesNotExist, the last one there is
            return f"!{key}"
