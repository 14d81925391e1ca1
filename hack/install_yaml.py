"""Writes deploy/install.yaml: the kustomize base as one file.

python -m hack.install_yaml
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Final

from hack.cluster.settings import CHECKOUT
from hack.kube import kubectl

BASE: Final = CHECKOUT / "deploy/kustomize/base"
CRDS: Final = CHECKOUT / "crds"
TARGET: Final = CHECKOUT / "deploy/install.yaml"

_HEADER: Final = """\
# The operator with everything it needs: kubectl apply --server-side -f install.yaml
# Made by `make install-yaml` from deploy/kustomize/base; change that.
# After a change of the settings in here:
#   kubectl -n devperfops-system rollout restart deployment devperfops-operator
"""


def fingerprint() -> str:
    """Of the files it is made from, so that a stale copy shows without kubectl."""
    digest = hashlib.sha256()
    for file in _sources():
        digest.update(f"{file.relative_to(CHECKOUT)}\n".encode() + file.read_bytes())
    return f"# sources: sha256:{digest.hexdigest()}\n"


def render() -> str:
    """The file's text. Raises CalledProcessError if kubectl does not like the base."""
    argv = [kubectl(), "kustomize", str(BASE)]
    rendered = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
    return f"{_HEADER}{fingerprint()}{rendered}"


def _sources() -> list[Path]:
    return sorted(file for folder in (BASE, CRDS) for file in folder.glob("*.yaml"))


if __name__ == "__main__":
    TARGET.write_text(render())
    print(TARGET.relative_to(CHECKOUT))
