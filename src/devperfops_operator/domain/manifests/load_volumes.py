"""What is mounted where in a load's pods: our own folders, and what the gate names in its namespace.

That is ConfigMaps, PersistentVolumeClaims and Secrets, read-only; no other kind of volume can be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from devperfops_operator.api.load import Load, Source
from devperfops_operator.wire.brief import TOKEN_AUDIENCE
from devperfops_operator.wire.layout import (
    DATA,
    PLAN,
    PLUGINS,
    PRIVATE,
    PROFILE,
    RESULTS,
    ROOT,
    SCENARIO,
    SECRETS,
    SOURCE,
)

TOKEN_FOLDER: Final = "/var/run/secrets/devperfops"  # noqa: S105  a folder

_PRIVATE_SIZE: Final = "16Mi"
_PLAN_SIZE: Final = "64Mi"


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume in a container."""

    volume: str
    path: str
    read_only: bool = False

    def manifest(self) -> dict[str, Any]:
        return {"name": self.volume, "mountPath": self.path, "readOnly": self.read_only}


def _ours(folder: str, *, read_only: bool = False) -> Mount:
    return Mount(folder, f"{ROOT}/{folder}", read_only)


TMP_MOUNT: Final = Mount("tmp", "/tmp")  # noqa: S108  the container's own
RESULTS_MOUNT: Final = _ours(RESULTS)
TOKEN_MOUNT: Final = Mount("token", TOKEN_FOLDER, read_only=True)


def prepare_mounts(load: Load) -> Sequence[Mount]:
    """What is checked and filled before JMeter starts."""
    shared = (*_files(load, load.jmeter.data, SOURCE), _ours(DATA)) if _shares(load) else ()
    secrets = [
        Mount(_secret_volume(index), f"{ROOT}/{SECRETS}/{name}", read_only=True)
        for index, name in enumerate(_secrets(load))
    ]
    private = (_ours(PRIVATE),) if secrets else ()
    return (*_plan_and_plugins(load), *shared, *secrets, *private)


def scenario_mounts(load: Load) -> Sequence[Mount]:
    """Where a test plan is made, and from what."""
    profile = _files(load, _mix(load), PROFILE)
    return (*_files(load, load.jmeter.plan, SCENARIO), *profile, _ours(PLAN))


def jmeter_mounts(load: Load) -> Sequence[Mount]:
    """What JMeter reads. Where it has a part of the data, links lead to the rest."""
    if _shares(load):
        data: Sequence[Mount] = (_ours(DATA, read_only=True), *_files(load, load.jmeter.data, SOURCE))
    else:
        data = _files(load, load.jmeter.data, DATA)
    private = (_ours(PRIVATE, read_only=True),) if load.jmeter.properties_from else ()
    return (*_plan_and_plugins(load), *data, *private)


def volumes(load: Load) -> list[dict[str, Any]]:
    """All of a pod's."""
    token = {"audience": TOKEN_AUDIENCE, "expirationSeconds": 3600, "path": "token"}
    return [
        {"name": RESULTS_MOUNT.volume, "emptyDir": {}},
        {"name": TMP_MOUNT.volume, "emptyDir": {}},
        {"name": TOKEN_MOUNT.volume, "projected": {"sources": [{"serviceAccountToken": token}]}},
        *({"name": file_volume(index), **files} for index, files in enumerate(_places(load))),
        *([{"name": DATA, "emptyDir": {}}] if _shares(load) else []),
        *([{"name": PLAN, "emptyDir": {"sizeLimit": _PLAN_SIZE}}] if load.jmeter.plan.open_api else []),
        *_secret_volumes(load),
    ]


def _plan_and_plugins(load: Load) -> Sequence[Mount]:
    made = load.jmeter.plan.open_api is not None
    plan = (_ours(PLAN, read_only=True),) if made else _files(load, load.jmeter.plan, PLAN)
    return (*plan, *_files(load, load.jmeter.plugins, PLUGINS))


def _files(load: Load, source: Source | None, folder: str) -> Sequence[Mount]:
    if source is None or not source.placed:
        return ()
    volume = file_volume(_places(load).index(place(source)))
    return (Mount(volume, f"{ROOT}/{folder}", read_only=True),)


def _places(load: Load) -> list[dict[str, Any]]:
    """Each ConfigMap and claim once: a pod that names a claim in two volumes never starts."""
    places: list[dict[str, Any]] = []
    for source in (load.jmeter.plan, load.jmeter.data, load.jmeter.plugins, _mix(load)):
        if source is not None and source.placed and place(source) not in places:
            places.append(place(source))
    return places


def _mix(load: Load) -> Source | None:
    """Of the profile, where it gives a plan its mix."""
    made = load.jmeter.plan.open_api is not None
    return load.profile.source if made and load.profile is not None else None


def place(source: Source) -> dict[str, Any]:
    """Where a volume's files are, as in a pod."""
    if source.pvc is not None:
        return {"persistentVolumeClaim": {"claimName": source.pvc, "readOnly": True}}
    return {"configMap": {"name": source.config_map}}


def file_volume(index: int) -> str:
    """The name of a pod's volume of files."""
    return f"files-{index}"


def _shares(load: Load) -> bool:
    return load.jmeter.data is not None and bool(load.jmeter.data.shards)


def _secret_volumes(load: Load) -> list[dict[str, Any]]:
    """Optional, so that the agent can name a missing one at once, where the kubelet would wait in silence."""
    secrets = [
        {"name": _secret_volume(index), "secret": {"secretName": name, "optional": True}}
        for index, name in enumerate(_secrets(load))
    ]
    private = {"name": PRIVATE, "emptyDir": {"medium": "Memory", "sizeLimit": _PRIVATE_SIZE}}
    return [*secrets, private] if secrets else []


def _secrets(load: Load) -> list[str]:
    return [each.secret for each in load.jmeter.properties_from or ()]


def _secret_volume(index: int) -> str:
    return f"secret-{index}"
