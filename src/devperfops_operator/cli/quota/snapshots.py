"""Snapshot files."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.quota.environments import readings
from devperfops_operator.cli.quota.policy import Asked
from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.quota.snapshot import Snapshot, read, write


def read_snapshot(file: Path) -> Snapshot:
    """Raises Trouble if it is none, or was changed."""
    try:
        return read(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise Trouble(f"cannot read {file}: {error.strerror}.") from error
    except (ValueError, InvalidRecord) as error:
        raise Trouble(f"{file} cannot be used as a snapshot: {error}.") from error


def take_snapshot(asked: Asked, now: datetime) -> Snapshot:
    """Of what the policy compares. Raises Trouble if not all of it can be read; estimates may be missing."""
    baseline, serving = readings(asked, now)
    faults = [
        f"{reading.name}: {fault.cause}"
        for reading in (baseline, serving)
        for fault in reading.faults
        if not fault.estimated
    ]
    if faults:
        raise Trouble(f"half a snapshot would look like lowered limits later: {'; '.join(faults)}.")
    return Snapshot(asked.policy.metadata.name, now, baseline, serving)


def write_snapshot(snapshot: Snapshot, file: Path) -> str:
    """Its digest. Raises Trouble."""
    document = write(snapshot)
    try:
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise Trouble(f"cannot write {file}: {error.strerror}.") from error
    return str(document["digest"])
