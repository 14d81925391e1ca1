"""Writes the files of the Helm chart that repeat others: the CRDs and the rules of the roles.

python -m hack.helm_chart
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from hack.cluster.settings import CHECKOUT
from hack.install_yaml import BASE, CRDS

CHART: Final = CHECKOUT / "deploy/helm/devperfops-operator"
_HEADER: Final = "# Made by `make install-yaml` from deploy/kustomize; change that.\n"
COMPONENTS: Final = CHECKOUT / "deploy/kustomize/components"
_OPTIONS: Final = {"quiesce": "quiesce", "volumeSnapshots": "volume-snapshots"}  # value and component
_ROLES: Final = {  # as the chart calls them: kind and name in the kustomize base
    "operator": ("ClusterRole", "devperfops-operator"),
    "own": ("Role", "devperfops-operator"),
    "view": ("ClusterRole", "devperfops-view"),
    "edit": ("ClusterRole", "devperfops-edit"),
}


def files() -> dict[Path, str]:
    """What they must contain."""
    crds = {
        CHART / "files/crds" / file.name: file.read_text()
        for file in sorted(CRDS.glob("devperfops.io_*.yaml"))
    }
    return {**crds, CHART / "files/rules.yaml": _HEADER + yaml.safe_dump(_rules(), sort_keys=False)}


def _rules() -> dict[str, list[dict[str, Any]]]:
    objects = [
        each
        for name in ("rbac.yaml", "user-roles.yaml")
        for each in yaml.safe_load_all((BASE / name).read_text())
    ]
    found = {(each["kind"], each["metadata"]["name"]): each.get("rules", []) for each in objects}
    return {role: found.get(key, []) for role, key in _ROLES.items()} | {
        value: next(yaml.safe_load_all((COMPONENTS / component / "rbac.yaml").read_text()))["rules"]
        for value, component in _OPTIONS.items()
    }


if __name__ == "__main__":
    for file, text in files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        print(file.relative_to(CHECKOUT))
