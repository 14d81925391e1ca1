"""Processes of pods, seen from the one machine the cluster runs on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hack.kube import Object

AGENT = "devperfops-agent"
JMETER = "ApacheJMeter.jar"


def kill(pod: Object, needle: str, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to the pod's one process whose command line has `needle` in it."""
    os.kill(pid_of(pod, needle), number)


def pid_of(pod: Object, needle: str) -> int:
    (pid,) = _pids(pod, needle)
    return pid


def runs(pod: Object, needle: str) -> bool:
    return bool(_pids(pod, needle))


def memory_group(pid: int) -> Path:
    """The folder of its control group for memory, of version 1 or 2."""
    groups = dict(line.split(":", 2)[1:] for line in _read(pid, "cgroup").splitlines())
    root = Path("/sys/fs/cgroup")
    return root / "memory" / groups["memory"][1:] if "memory" in groups else root / groups[""][1:]


def _pids(pod: Object, needle: str) -> list[int]:
    uid = pod["metadata"]["uid"]
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    ours = [pid for pid in pids if uid in _read(pid, "cgroup")]
    return [pid for pid in ours if needle in _command_line(pid)]


def _command_line(pid: int) -> str:
    return _read(pid, "cmdline").replace("\0", " ")


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has just ended
