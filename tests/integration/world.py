"""What teams and Kubernetes' own controllers do, where no such controller runs."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml

from devperfops_operator.adapters.kubernetes import Connection, connect
from devperfops_operator.domain.errors import Refused
from hack.cluster.settings import CHECKOUT
from hack.kube import Kube, condition, kubectl, wait_for
from tests import api_cases

T = TypeVar("T")

SCENARIO: Path = CHECKOUT / "examples/podinfo/scenario.jmx"
GATE = "front-end"


async def eventually(what: str, probe: Callable[[], T | None], seconds: float = 30) -> T:
    """The first true answer; the event loop goes on meanwhile."""
    return await asyncio.to_thread(wait_for, what, probe, seconds=seconds, interval=0.05)


async def sockets_closed() -> None:
    """The event loop holds no socket but its own: TLS takes a moment to say goodbye."""
    sockets = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        while len(sockets) > 1:  # noqa: ASYNC110  nobody tells when
            await asyncio.sleep(0.01)


def changed_kubeconfig(original: Path, folder: Path, **changes: dict[str, Any]) -> str:
    """A kubeconfig of one cluster and one user, with another `cluster` or `user`."""
    config = yaml.safe_load(original.read_text())
    if "user" in changes:
        config["users"][0]["user"] = changes["user"]
    config["clusters"][0]["cluster"].update(changes.get("cluster", {}))
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


async def request_token(connection: Connection, namespace: str, audience: str, pod: dict[str, Any]) -> str:
    """A token of ServiceAccount `agent`, bound to the pod, as the kubelet projects it."""
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": [audience],
            "expirationSeconds": 600,
            "boundObjectRef": {
                "kind": "Pod",
                "apiVersion": "v1",
                "name": pod["metadata"]["name"],
                "uid": pod["metadata"]["uid"],
            },
        },
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/agent/token"
    answer = await connection.request("POST", path, body=body)
    return str(answer["status"]["token"])


def status_of(kube: Kube, kind: str, name: str, namespace: str, status: dict[str, Any]) -> None:
    """What a controller would write into an object's status."""
    argv = [kubectl(), f"--kubeconfig={kube.kubeconfig}", f"--namespace={namespace}", "patch", kind, name]
    patch = json.dumps({"status": status})
    subprocess.run([*argv, "--subresource=status", "--type=merge", f"--patch={patch}"], check=True)


@asynccontextmanager
async def as_service_account(
    kube: Kube, name: str, namespace: str, folder: Path
) -> AsyncIterator[Connection]:
    """The API server, as that ServiceAccount."""
    user = {"token": kube.token(name, namespace)}
    connection = await connect(changed_kubeconfig(kube.kubeconfig, folder, user=user))
    try:
        yield connection
    finally:
        await connection.close()


def address(kubeconfig: Path) -> tuple[str, int]:
    """Host and port of the API server."""
    server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    host, port = server.removeprefix("https://").split(":")
    return host, int(port)


def everything_but_deployments(namespace: str) -> list[dict[str, Any]]:
    """A ServiceAccount `operator` that may do all but change Deployments."""
    rules = [
        {
            "apiGroups": ["", "batch", "coordination.k8s.io", "devperfops.io"],
            "resources": ["*"],
            "verbs": ["*"],
        },
        {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    ]
    return operator_account(namespace, rules)


def operator_account(namespace: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A ServiceAccount `operator` that may do what the rules allow."""
    metadata = {"name": "operator", "namespace": namespace}
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "operator"},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
    ]


@dataclass(frozen=True)
class World:
    """One namespace."""

    kube: Kube
    connection: Connection
    namespace: str

    def config_map(self) -> None:
        """The test plan."""
        self.kube.create(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "scenario", "namespace": self.namespace},
                "data": {"scenario.jmx": SCENARIO.read_text()},
            }
        )

    def service(self) -> None:
        self.kube.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": GATE, "namespace": self.namespace},
                "spec": {"selector": {"app": GATE}, "ports": [{"port": 80}]},
            }
        )

    def release(self, image: str) -> None:
        """What a team does."""
        if self.kube.find("Deployment", GATE, self.namespace) is None:
            self.kube.create(_deployment(self.namespace, image))
            return
        template = {"spec": {"containers": [{"name": "app", "image": image}]}}
        self.kube.patch("Deployment", GATE, self.namespace, {"spec": {"template": template}})

    async def deploy(self, image: str) -> None:
        """Roll the image out, to the end."""
        self.release(image)
        await self.roll_out()

    async def roll_out(self) -> None:
        """What the deployment controller and the kubelet do: all replicas run what is stored now."""
        deployment = self.kube.get("Deployment", GATE, self.namespace)
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            **dict.fromkeys(counts, deployment["spec"]["replicas"]),
        }
        await self.write_status("deployments", GATE, status)

    async def start_pods(self) -> None:
        """What the deployment controller and the kubelet do: the old pods go, one new one has started just now."""
        for kind in ("Pod", "ReplicaSet"):
            for each in self.kube.list(kind, self.namespace, f"app={GATE}"):
                self.kube.delete(kind, each["metadata"]["name"], self.namespace)
        deployment = self.kube.get("Deployment", GATE, self.namespace)
        name = f"{GATE}-{secrets.token_hex(3)}"
        metadata = {"name": name, "namespace": self.namespace, "labels": {"app": GATE}}
        spec, template = deployment["spec"], deployment["spec"]["template"]
        replica_set = self.kube.create(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": metadata,
                "spec": {"replicas": 1, "selector": spec["selector"], "template": template},
            }
        )
        owner = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": name,
            "uid": replica_set["metadata"]["uid"],
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**metadata, "ownerReferences": [owner]},
            "spec": {**template["spec"], "automountServiceAccountToken": False},
        }
        if self.kube.find("ServiceAccount", "default", self.namespace) is None:
            account = {"name": "default", "namespace": self.namespace}
            self.kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        self.kube.create(pod)
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        container = {
            "name": "app",
            "image": "podinfo:1",
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": started}},
        }
        await self.write_status("pods", name, {"containerStatuses": [container]}, group="/api/v1")
        await self.roll_out()

    async def stall(self) -> None:
        """The new pod does not get ready, and the deployment controller gives up."""
        generation = self.kube.get("Deployment", GATE, self.namespace)["metadata"]["generation"]
        gave_up = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
        status = {"observedGeneration": generation, "updatedReplicas": 0, "conditions": [gave_up]}
        await self.write_status("deployments", GATE, status)

    async def allow_no_jobs(self) -> None:
        """A quota, and what the quota controller makes of it."""
        none = {"count/jobs.batch": "0"}
        metadata = {"name": "no-jobs", "namespace": self.namespace}
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": none}}
        self.kube.create(quota)
        await self.write_status("resourcequotas", "no-jobs", {"hard": none, "used": none}, group="/api/v1")
        async with asyncio.timeout(20):  # the API server learns of it through a watch of its own
            while await self._job_is_allowed():
                pass

    async def _job_is_allowed(self) -> bool:
        pod = {"restartPolicy": "Never", "containers": [{"name": "any", "image": "any:1"}]}
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "any"},
            "spec": {"template": {"spec": pod}},
        }
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        try:
            await self.connection.request("POST", path, body=job, query={"dryRun": "All"})
        except Refused:
            return False
        return True

    async def write_status(
        self, plural: str, name: str, status: dict[str, Any], *, group: str = "/apis/apps/v1"
    ) -> None:
        path = f"{group}/namespaces/{self.namespace}/{plural}/{name}/status"
        await self.connection.request(
            "PATCH", path, body={"status": status}, content_type="application/merge-patch+json"
        )

    def gate(self, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.kube.create(api_cases.gate({"metadata.namespace": self.namespace, **(changes or {})}))

    def edit_gate(self, spec: dict[str, Any]) -> None:
        """As `kubectl patch --type merge` does."""
        self.kube.patch("PerfGate", GATE, self.namespace, {"spec": spec})

    def run(self, name: str, gate: str = GATE) -> dict[str, Any]:
        changes = {"metadata.namespace": self.namespace, "metadata.name": name, "spec.gate": gate}
        return self.kube.create(api_cases.run(changes))

    def status(self, kind: str, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.kube.get(kind, name, self.namespace).get("status", {})
        return status

    def image(self) -> str:
        """What the target's template says now."""
        template = self.kube.get("Deployment", GATE, self.namespace)["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason of one of the gate's conditions."""
        found = condition(self.kube.get("PerfGate", GATE, self.namespace), kind)
        return found.get("status", ""), found.get("reason", "")

    def phase(self, run: str) -> str:
        return str(self.status("PerfRun", run).get("phase", ""))

    def snapshots(self) -> list[dict[str, Any]]:
        return self.kube.list("ControllerRevision", self.namespace)

    def runs(self) -> list[str]:
        return sorted(run["metadata"]["name"] for run in self.kube.list("PerfRun", self.namespace))

    def events(self, name: str) -> list[str]:
        """Reasons of what was told about an object, oldest first."""
        events = self.kube.list("Event", self.namespace)
        return [event["reason"] for event in events if event["involvedObject"]["name"] == name]


def _deployment(namespace: str, image: str) -> dict[str, Any]:
    pod = {
        "metadata": {"labels": {"app": GATE}},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": GATE, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": GATE}}, "template": pod},
    }
