"""The CustomResourceDefinitions of VolumeSnapshots, from the module of the controller that serves them."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from hack.cluster.errors import ClusterError

_MODULE: Final = "github.com/kubernetes-csi/external-snapshotter/client/v8@v8.7.0"
_SUM: Final = "h1:HVaSUeRRHPu49aSiL8eXOjS9Re9G6pM0NzdTGI7mM14="


def definitions() -> list[dict[str, Any]]:
    """Those of volumesnapshots, their contents and classes. Raises ClusterError if they cannot be had."""
    if shutil.which("go") is None:
        raise ClusterError(
            "Go is not on PATH: install it (https://go.dev/dl/) for the CRDs of VolumeSnapshots"
        )
    with tempfile.TemporaryDirectory() as folder:  # outside of any module of its own
        argv = ["go", "mod", "download", "-json", _MODULE]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout or "{}")
    if done.returncode != 0 or found.get("Sum") != _SUM:
        why = found.get("Error") or done.stderr.strip() or f"its hash is {found.get('Sum')}"
        raise ClusterError(f"{_MODULE} cannot be had: {why}")
    files = sorted(Path(found["Dir"]).glob("config/crd/snapshot.storage.k8s.io_*.yaml"))
    return [yaml.safe_load(file.read_text()) for file in files]
