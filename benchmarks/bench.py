"""An API server, an operator of our own as a process, and as many gates as wanted: nothing else runs.

What Kubernetes' own controllers would do (make pods ready, start load pods) the benchmark does itself.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from hack.cluster import apiserver
from hack.cluster.settings import CHECKOUT
from hack.kube import Kube, wait_for

SYSTEM: Final = "devperfops-system"
NAMESPACE: Final = "bench"
_AUDIT: Final = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules: [{level: Metadata, userGroups: ["system:serviceaccounts:devperfops-system"]}, {level: None}]
"""
_SETTLE_SECONDS: Final = 600
_AT_ONCE: Final = 8
_PATCH: Final = {"Content-Type": "application/merge-patch+json"}

Raw = dict[str, Any]


@dataclass
class Bench:
    """`audit`: one JSON line for each request of the operator that the API server has answered."""

    kube: Kube
    folder: Path
    audit: Path
    port: int
    operator: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # ---- the API server, without the weight of a dynamic client

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Raw:
        """One request of JSON."""
        query = [tuple(each.split("=", 1)) for each in path.partition("?")[2].split("&") if each]
        arguments = self.kube.client.param_serialize(
            method,
            path.partition("?")[0],
            query_params=query,
            header_params={"Accept": "application/json", "Content-Type": "application/json", **headers},
            body=body,
            auth_settings=["BearerToken"],
        )
        response: Any = self.kube.client.call_api(*arguments)
        content = response.read()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300]!r}")
        answer: Raw = json.loads(content)
        return answer

    # ---- the world

    def make_gates(self, first: int, end: int) -> None:
        """Gates and all they need; each in an environment of its own, so that none waits for another."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._make_gate, range(first, end)))

    def _make_gate(self, number: int) -> None:
        name = f"gate-{number}"
        self.ask("POST", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", _deployment(name))
        self.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/services", _service(name))
        self.roll_out(name)
        self.ask("POST", f"/apis/devperfops.io/v1alpha1/namespaces/{NAMESPACE}/perfgates", _gate(name))

    def adopted(self, count: int) -> None:
        """Wait until every gate has its known-good."""
        wait_for(f"{count} gates adopted", lambda: self._adopted() >= count, seconds=_SETTLE_SECONDS)

    def _adopted(self) -> int:
        gates = self.ask("GET", f"/apis/devperfops.io/v1alpha1/namespaces/{NAMESPACE}/perfgates")["items"]
        return sum(bool(gate.get("status", {}).get("knownGood")) for gate in gates)

    def release(self, name: str, image: str) -> None:
        containers = {"containers": [{"name": "app", "image": image}]}
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        patch = {"Content-Type": "application/strategic-merge-patch+json"}
        self.ask("PATCH", path, {"spec": {"template": {"spec": containers}}}, **patch)

    def roll_out(self, name: str) -> None:
        """What the deployment controller and the kubelet do: the one replica runs what is stored now."""
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        generation = self.ask("GET", path)["metadata"]["generation"]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
        status = {"status": {"observedGeneration": generation, **counts}}
        self.ask("PATCH", f"{path}/status", status, **_PATCH)

    def run(self, name: str) -> Raw:
        return self.ask("GET", f"/apis/devperfops.io/v1alpha1/namespaces/{NAMESPACE}/perfruns/{name}")

    def live_runs(self, selector: str = "") -> list[str]:
        """Names of those that have not ended."""
        path = f"/apis/devperfops.io/v1alpha1/namespaces/{NAMESPACE}/perfruns"
        runs = self.ask("GET", f"{path}?labelSelector={selector}" if selector else path)["items"]
        return [run["metadata"]["name"] for run in runs if "completedAt" not in run.get("status", {})]

    # ---- load pods

    def worker_token(self, run: str, worker: int) -> str:
        """Of a pod that is named as the Job controller names them."""
        pod = f"{run}-{worker}-bench"
        spec = {"serviceAccountName": "default", "containers": [{"name": "agent", "image": "agent"}]}
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod}, "spec": spec}
        uid = self.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", manifest)["metadata"]["uid"]
        bound = {"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid}
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": ["devperfops"], "expirationSeconds": 3600, "boundObjectRef": bound},
        }
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token"
        return str(self.ask("POST", path, body)["status"]["token"])

    # ---- the operator's requests

    def requests_since(self, began: float) -> list[Raw]:
        """What the operator has asked since then (Unix seconds), as the API server has written it down."""
        found = []
        for line in self.audit.read_text().splitlines():
            event = json.loads(line)
            if _unix(event["requestReceivedTimestamp"]) >= began:
                found.append(event)
        return found


def _unix(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


class Watch:
    """When objects first looked as `what` says, by name: seen by a watch of the benchmark's own."""

    def __init__(self, bench: Bench, path: str, what: Callable[[Raw], bool]) -> None:
        self.seen: dict[str, float] = {}
        self._what = what
        self._changed = threading.Condition()
        config = bench.kube.client.configuration
        self._http = httpx.Client(
            base_url=config.host,
            verify=ssl.create_default_context(cafile=config.ssl_ca_cert),
            cert=(config.cert_file, config.key_file),
            timeout=None,
        )
        threading.Thread(target=self._follow, args=(path,), daemon=True).start()

    def _follow(self, path: str) -> None:
        parameters = {"watch": "true", "timeoutSeconds": "7200"}
        with suppress(httpx.TransportError), self._http.stream("GET", path, params=parameters) as lines:
            for line in lines.iter_lines():
                event = json.loads(line)
                name = event["object"]["metadata"]["name"]
                if name not in self.seen and self._what(event["object"]):
                    with self._changed:
                        self.seen[name] = time.monotonic()
                        self._changed.notify_all()

    def wait(self, name: str, seconds: float = 60) -> float:
        """On the monotonic clock."""
        with self._changed:
            if not self._changed.wait_for(lambda: name in self.seen, seconds):
                raise RuntimeError(f"not within {seconds:.0f} s: {name}")
            return self.seen[name]


@contextmanager
def opened(folder: Path) -> Iterator[Bench]:
    """API server and operator; gone at the end."""
    policy, audit = folder / "audit.yaml", folder / "audit.log"
    policy.write_text(_AUDIT)
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={audit}", "--audit-log-mode=blocking")
    with ExitStack() as stack:
        server = stack.enter_context(apiserver.running(folder / "apiserver", flags))
        kube = Kube(server.kubeconfig)
        _install(kube)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        bench = Bench(kube, folder, audit, port)
        bench.operator = stack.enter_context(_operating(bench, server.kubeconfig))
        wait_for("the operator is ready", lambda: _ready(bench), seconds=120)
        yield bench


def _install(kube: Kube) -> None:
    objects = list(yaml.safe_load_all((CHECKOUT / "deploy/install.yaml").read_text()))
    kube.apply(each for each in objects if each["kind"] not in {"Deployment", "NetworkPolicy"})
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kube.create(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": NAMESPACE},
        }
    )
    plan = (CHECKOUT / "examples/podinfo/scenario.jmx").read_text()
    kube.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "scenario", "namespace": NAMESPACE},
            "data": {"scenario.jmx": plan},
        }
    )


@contextmanager
def _operating(bench: Bench, admin: Path) -> Iterator[subprocess.Popen[bytes]]:
    """As its own ServiceAccount, with the rights it ships with."""
    config = yaml.safe_load(admin.read_text())
    token = bench.kube.token("devperfops-operator", SYSTEM, seconds=86_400)
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    kubeconfig, settings = bench.folder / "operator.kubeconfig", bench.folder / "settings.yaml"
    kubeconfig.write_text(yaml.safe_dump(config))
    settings.write_text(
        yaml.safe_dump(
            {
                "operatorUrl": bench.url,
                "port": bench.port,
                "images": {"operator": "devperfops/operator", "jmeter": "devperfops/jmeter"},
                "leaderElection": {"namespace": SYSTEM},
            }
        )
    )
    program = Path(sys.executable).with_name("devperfops-operator")
    with (bench.folder / "operator.log").open("wb") as log:
        process = subprocess.Popen(
            [program, f"--config={settings}"],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _ready(bench: Bench) -> bool:
    if bench.operator.poll() is not None:
        raise RuntimeError((bench.folder / "operator.log").read_text()[-2000:])
    try:
        return httpx.get(f"{bench.url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _deployment(name: str) -> Raw:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _service(name: str) -> Raw:
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _gate(name: str) -> Raw:
    jmeter = {
        "plan": {"configMap": "scenario"},
        "threads": 100,
        "rampUp": "1s",
        "rate": "3000/m",
        "duration": "10m",
    }
    return {
        "apiVersion": "devperfops.io/v1alpha1",
        "kind": "PerfGate",
        "metadata": {"name": name},
        "spec": {
            "targetRef": {"name": name},
            "environment": name,
            "load": {"jmeter": jmeter},
            "objectives": [{"expect": "p99 < 2s"}, {"expect": "errors < 0.5%"}],
        },
    }


def names(count: int) -> Sequence[str]:
    return [f"gate-{number}" for number in range(count)]
