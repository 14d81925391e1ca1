"""Processes of pods, seen from the one machine the cluster runs on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hack.kube import Object


def kill(pod: Object, needle: str) -> None:
    """SIGKILL the pod's one process whose command line has `needle` in it."""
    (pid,) = [pid for pid in _of(pod) if needle in _command_line(pid)]
    os.kill(pid, signal.SIGKILL)


def _of(pod: Object) -> list[int]:
    uid = pod["metadata"]["uid"]
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [pid for pid in pids if uid in _read(pid, "cgroup")]


def _command_line(pid: int) -> str:
    return _read(pid, "cmdline").replace("\0", " ")


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has just ended
