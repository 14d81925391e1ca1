"""What is mounted where in a load's pods: our own folders, ConfigMaps and claims of the gate's namespace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from devperfops_operator.api.load import JMeterLoad, Source
from devperfops_operator.wire.brief import TOKEN_AUDIENCE
from devperfops_operator.wire.layout import DATA, PLAN, RESULTS, ROOT, SOURCE

TOKEN_FOLDER: Final = "/var/run/secrets/devperfops"  # noqa: S105  a folder


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


def prepare_mounts(options: JMeterLoad) -> Sequence[Mount]:
    """What is checked and filled before JMeter starts."""
    shared = (_ours(SOURCE, read_only=True), _ours(DATA)) if _shares(options) else ()
    return (_ours(PLAN, read_only=True), *shared)


def jmeter_mounts(options: JMeterLoad) -> Sequence[Mount]:
    """What JMeter reads. Where it has a part of the data, links lead to the rest."""
    data = (_ours(DATA, read_only=True),) if options.data is not None else ()
    rest = (_ours(SOURCE, read_only=True),) if _shares(options) else ()
    return (_ours(PLAN, read_only=True), *data, *rest)


def volumes(options: JMeterLoad) -> list[dict[str, Any]]:
    """All of a pod's."""
    token = {"audience": TOKEN_AUDIENCE, "expirationSeconds": 3600, "path": "token"}
    return [
        {"name": RESULTS_MOUNT.volume, "emptyDir": {}},
        {"name": TMP_MOUNT.volume, "emptyDir": {}},
        {"name": PLAN, **_volume(options.plan)},
        {"name": TOKEN_MOUNT.volume, "projected": {"sources": [{"serviceAccountToken": token}]}},
        *_data_volumes(options),
    ]


def _data_volumes(options: JMeterLoad) -> list[dict[str, Any]]:
    if options.data is None:
        return []
    if not _shares(options):
        return [{"name": DATA, **_volume(options.data)}]
    return [{"name": SOURCE, **_volume(options.data)}, {"name": DATA, "emptyDir": {}}]


def _shares(options: JMeterLoad) -> bool:
    return options.data is not None and bool(options.data.shards)


def _volume(source: Source) -> dict[str, Any]:
    if source.pvc is not None:
        return {"persistentVolumeClaim": {"claimName": source.pvc, "readOnly": True}}
    return {"configMap": {"name": source.config_map}}
