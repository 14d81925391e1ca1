"""A team that releases its Deployment with kubectl, always in the same way."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from hack.kube import Kube, kubectl

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Team:
    """`way`: `apply`, `apply --server-side` or `replace`."""

    kube: Kube
    namespace: str
    name: str
    way: str

    def release(self, manifest: Manifest, *, by_force: bool = False) -> None:
        new = self.kube.find("Deployment", self.name, self.namespace) is None
        verb = "create" if new and self.way == "replace" else self.way
        force = ["--force-conflicts"] if by_force and "--server-side" in verb else []
        self._kubectl(manifest, *verb.split(), *force, "-f", "-")

    def differs(self, manifest: Manifest) -> bool:
        """What `kubectl diff` says."""
        options = self.way.split()[1:]
        return self._kubectl(manifest, "diff", *options, "-f", "-", codes=(0, 1)).returncode == 1

    def stored(self) -> Manifest:
        return self.kube.get("Deployment", self.name, self.namespace)

    def first(self, manifest: Manifest) -> Manifest:
        """What would be stored if nothing had ever been released before."""
        metadata = {**manifest["metadata"], "name": f"{self.name}-first"}
        verb = "create" if self.way == "replace" else self.way
        options = ["--dry-run=server", "-o", "json", "-f", "-"]
        answer = self._kubectl({**manifest, "metadata": metadata}, *verb.split(), *options)
        stored: Manifest = json.loads(answer.stdout)
        return stored

    def _kubectl(
        self, manifest: Manifest, *arguments: str, codes: tuple[int, ...] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        argv = [kubectl(), "--kubeconfig", str(self.kube.kubeconfig), "-n", self.namespace, *arguments]
        answer = subprocess.run(argv, input=json.dumps(manifest), text=True, capture_output=True, check=False)
        assert answer.returncode in codes, answer.stderr
        return answer


def template_bytes(stored: Manifest) -> str:
    """In one form, whoever has read it: kubectl sorts the fields, the API server does not."""
    return json.dumps(stored["spec"]["template"], sort_keys=True)
