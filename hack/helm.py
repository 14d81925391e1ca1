"""Helm, built from its Go module as the cluster's programs are, with folders of its own."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import builds, settings


class HelmError(Exception):
    """Helm did not do it; the message is its own."""


@dataclass(frozen=True)
class Helm:
    """As the user of a kubeconfig, in one namespace."""

    kubeconfig: Path
    namespace: str
    home: Path

    def run(self, *arguments: str) -> str:
        """What it prints.

        Raises:
            HelmError: it failed.
            ClusterError: it cannot be built.
        """
        cache = settings.cache()
        builds.ensure(cache, [builds.HELM])
        done = subprocess.run(
            [builds.executable(cache, builds.HELM), *arguments, "--namespace", self.namespace],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), **self._folders()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise HelmError(done.stderr.strip())
        return done.stdout

    def _folders(self) -> dict[str, str]:
        return {f"HELM_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
