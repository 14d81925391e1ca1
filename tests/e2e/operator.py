"""The operator as a process of this machine: the tests own its PID, so they may kill it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import yaml

from devperfops_operator.main import POD_VARIABLE
from hack.cluster.settings import CHECKOUT, NODE_IP
from hack.kube import Kube, wait_for

_START_SECONDS = 60
_STOP_SECONDS = 30


class Operator:
    """One operator for one namespace, with the rights the shipped ClusterRole gives, and no others."""

    def __init__(
        self, kube: Kube, namespace: str, folder: Path, settings: dict[str, Any], *, name: str = "operator"
    ) -> None:
        self.name = name
        self.api_server: str | None = None  # another way to it
        self._kube = kube
        self._namespace = namespace
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port = _free_port()
        self._url = f"http://{NODE_IP}:{port}"
        self.settings: dict[str, Any] = {
            "operatorUrl": self._url,
            "port": port,
            "namespaces": [namespace],
            "leaderElection": {"namespace": namespace},
            **settings,
        }

    @property
    def log(self) -> Path:
        return self._folder / f"{self.name}.log"

    def start(self) -> None:
        """Return when it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        settings = self._folder / f"{self.name}.settings.yaml"
        settings.write_text(yaml.safe_dump(self.settings))
        # Killed and started again it is the same pod's container.
        pod = {POD_VARIABLE: str(self.port)}
        environment = {**os.environ, **pod, "KUBECONFIG": str(self._kubeconfig())}
        program = Path(sys.executable).with_name("devperfops-operator")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, f"--config={settings}"],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        wait_for(f"{self.name} is ready", lambda: self.readiness() == "ready", seconds=seconds, interval=0.1)

    def wait_until_ended(self, seconds: float) -> int:
        """Its exit code."""
        assert self._process is not None, "it was never started"
        return self._process.wait(seconds)

    def kill(self) -> None:
        """`kill -9`: no chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        if self._process is not None:
            self._end(signal.SIGTERM)

    def metrics(self) -> str:
        return httpx.get(f"{self._url}/metrics", timeout=5).raise_for_status().text

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None, "it was never started"
        self._process.send_signal(number)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def readiness(self) -> str:
        """What /readyz says; nothing: it does not answer."""
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"the operator ended with code {code}:\n{self.log.read_text()[-4000:]}"
        try:
            return str(httpx.get(f"{self._url}/readyz", timeout=5).json()["message"])
        except httpx.TransportError:
            return ""

    def _kubeconfig(self) -> Path:
        """Of the ServiceAccount `operator` in its namespace."""
        admin = yaml.safe_load(self._kube.kubeconfig.read_text())
        path = self._folder / f"{self.name}.kubeconfig"
        if self.api_server is not None:
            admin["clusters"][0]["cluster"]["server"] = self.api_server
        token = self._kube.token("operator", self._namespace)
        admin["users"] = [{"name": "operator", "user": {"token": token}}]
        admin["contexts"][0]["context"]["user"] = "operator"
        path.write_text(yaml.safe_dump(admin))
        return path


def rights(namespace: str) -> list[dict[str, Any]]:
    """The ServiceAccount and its rights: the shipped roles, in this namespace only."""
    rbac = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": "operator", "namespace": namespace}]
    shipped = yaml.safe_load_all((CHECKOUT / "deploy/kustomize/base/rbac.yaml").read_text())
    role = next(each for each in shipped if each["kind"] == "Role")
    role["metadata"]["namespace"] = namespace
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "operator", "namespace": namespace},
        },
        role,
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "operator-lease", "namespace": namespace},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": role["metadata"]["name"]},
            "subjects": subjects,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "operator", "namespace": namespace},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "devperfops-operator"},
            "subjects": subjects,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"devperfops-{namespace}"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:auth-delegator"},
            "subjects": subjects,
        },
    ]


def component_rights(component: str, namespace: str) -> list[dict[str, Any]]:
    """The rights of a kustomize component, in this namespace only."""
    file = CHECKOUT / f"deploy/kustomize/components/{component}/rbac.yaml"
    role, binding = yaml.safe_load_all(file.read_text())
    metadata = {"name": component, "namespace": namespace}
    account = {"kind": "ServiceAccount", "name": "operator", "namespace": namespace}
    return [
        {**role, "kind": "Role", "metadata": metadata},
        {
            **binding,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {**binding["roleRef"], "kind": "Role", "name": component},
            "subjects": [account],
        },
    ]


def _free_port() -> int:
    with socket.socket() as held:
        held.bind((NODE_IP, 0))
        port: int = held.getsockname()[1]
        return port
