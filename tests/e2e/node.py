"""Faults of the one node, which is this machine: of what a single pod has of it, so that nobody else notices."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster import commands, settings
from hack.cluster.settings import NODE_IP, NODE_NAME
from hack.kube import Kube, Object, wait_for
from tests.e2e.processes import memory_group, pid_of, runs

_LABEL = "devperfops.io/e2e"
_SPARE = 4 << 20
_EATEN = 48
# The kernel prefers the pod's own process: the kubelet has given it a high oom_score_adj.
_EATER = """
import sys
with open(sys.argv[1], "w") as group:
    group.write("0")
eaten = [b"x" * (1 << 20) for _ in range(int(sys.argv[2]))]
sys.stdin.read()
"""


def results(pod: Object) -> Path:
    """The folder JMeter and the agent share, from outside."""
    pods = settings.cache().cluster.lib / "kubelet/pods"
    return pods / pod["metadata"]["uid"] / "volumes/kubernetes.io~empty-dir/results"


def selector(name: str) -> dict[str, str]:
    """Of a node that does not exist before `offered`."""
    return {_LABEL: name}


@contextmanager
def offered(kube: Kube, name: str) -> Iterator[None]:
    """The node takes pods that wait for this name."""
    kube.patch("Node", NODE_NAME, None, {"metadata": {"labels": {_LABEL: name}}})
    try:
        yield
    finally:
        kube.patch("Node", NODE_NAME, None, {"metadata": {"labels": {_LABEL: None}}})


@contextmanager
def small_disk(pod: Object, *, kibibytes: int) -> Iterator[None]:
    """A pod that is not scheduled yet will have so little room for its results."""
    folder = results(pod)
    folder.mkdir(parents=True)
    commands.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder)])
    try:
        yield
    finally:
        commands.succeeds(["umount", "--lazy", str(folder)])  # unless the kubelet has tidied up


def take_memory(pod: Object, needle: str) -> None:
    """Have the kernel kill the process for want of memory: its container gets no more, and somebody eats that."""
    pid = pid_of(pod, needle)
    group = memory_group(pid)
    used, limit = (
        ("memory.usage_in_bytes", "memory.limit_in_bytes")
        if (group / "memory.limit_in_bytes").exists()
        else ("memory.current", "memory.max")
    )
    (group / limit).write_text(str(int((group / used).read_text()) + _SPARE))
    eater = subprocess.Popen(
        [sys.executable, "-c", _EATER, str(group / "cgroup.procs"), str(_EATEN)], stdin=subprocess.PIPE
    )
    try:
        wait_for(f"{needle} is killed", lambda: not Path(f"/proc/{pid}").exists(), seconds=30, interval=0.1)
    finally:
        eater.kill()
        eater.communicate()


@contextmanager
def network_cut(pod: Object, port: int) -> Iterator[None]:
    """Nothing gets from the pod to that port of the node, nor back."""
    address, table = pod["status"]["podIP"], f"e2e_{pod['metadata']['uid'].replace('-', '_')}"
    rules = f"""
    table ip {table} {{
      chain there {{ type filter hook input priority raw;
        ip saddr {address} ip daddr {NODE_IP} tcp dport {port} drop; }}
      chain back {{ type filter hook output priority raw;
        ip saddr {NODE_IP} ip daddr {address} tcp sport {port} drop; }}
    }}
    """
    commands.run(["nft", "-f", "-"], stdin=rules)
    try:
        yield
    finally:
        commands.run(["nft", "delete", "table", "ip", table])


def wait_until_gone(pod: Object, needle: str, *, seconds: float) -> None:
    wait_for(f"{needle} has ended", lambda: not runs(pod, needle), seconds=seconds, interval=0.05)
