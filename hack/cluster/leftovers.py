"""What containerd, kubelet and kube-proxy leave on the host when they end, and how it goes away.

Only what bears the cluster's mark is touched: shims with our socket, mounts below our folder (the pods'
network namespaces among them), KUBE- and CNI- chains, and empty cgroups of pods. A second kubelet, whose
chains these could be, cannot run beside ours on one host.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from hack.cluster import builds, commands
from hack.cluster.settings import Cache, Cluster

_TABLES: Final = ("nat", "filter", "mangle")
_CHAIN: Final = re.compile(r"^:((?:KUBE|CNI)-\S+)", re.MULTILINE)
_JUMP: Final = re.compile(
    r"^-A ((?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) .*-j (?:KUBE|CNI)-\S+.*)$", re.MULTILINE
)


def remove_containers(cluster: Cluster) -> None:
    """End and forget every container, while containerd still runs."""
    ctr = ["ctr", f"--address={cluster.socket}", "--namespace=k8s.io"]
    if not commands.succeeds([*ctr, "version"]):
        return
    for task in commands.run([*ctr, "tasks", "list", "--quiet"]).split():
        commands.succeeds([*ctr, "tasks", "delete", "--force", task])
    containers = commands.run([*ctr, "containers", "list", "--quiet"]).split()
    if containers:
        commands.succeeds([*ctr, "containers", "delete", *containers])


def remove(cache: Cache) -> None:
    """Remove the rest, once no process of the cluster runs."""
    cluster = cache.cluster
    _kill_shims(cluster)
    for mount in mounts_below(Path("/proc/mounts").read_text(), cluster.root):
        commands.succeeds(["umount", "--lazy", mount])
    _remove_rules(cache)
    _remove_cgroups()
    _remove_log_links(cluster)
    shutil.rmtree(cluster.run, ignore_errors=True)


def mounts_below(mounts: str, folder: Path) -> list[str]:
    """The mount points below a folder in the text of /proc/mounts, innermost first."""
    points = (line.split()[1] for line in mounts.splitlines())
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def unhooking(rules: str) -> list[list[str]]:
    """The iptables arguments that remove the jumps into Kubernetes chains, then those chains.

    `rules` is the output of iptables-save for one table.
    """
    jumps = [["-D", *_words(rule)] for rule in _JUMP.findall(rules)]
    chains = _CHAIN.findall(rules)
    return [*jumps, *(["-F", chain] for chain in chains), *(["-X", chain] for chain in chains)]


def _words(rule: str) -> list[str]:
    """Split a rule as iptables-save prints it; a comment is quoted."""
    return [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', rule)]


def _kill_shims(cluster: Cluster) -> None:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            arguments = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if "containerd-shim" in arguments[0] and str(cluster.socket) in arguments:
                os.kill(int(folder.name), signal.SIGKILL)


def _remove_rules(cache: Cache) -> None:
    proxy = builds.executable(cache, builds.KUBERNETES, "kube-proxy")
    if proxy.exists():
        commands.succeeds([str(proxy), "--cleanup"])
    for iptables in ("iptables", "ip6tables"):
        for table in _TABLES:
            saved = commands.run([f"{iptables}-save", "--table", table])
            for arguments in unhooking(saved):
                commands.succeeds([iptables, "--wait", "--table", table, *arguments])


def _remove_cgroups() -> None:
    roots: Iterable[Path] = (*Path("/sys/fs/cgroup").glob("*/kubepods"), Path("/sys/fs/cgroup/kubepods"))
    for root in roots:
        for folder, _, _ in os.walk(root, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()


def _remove_log_links(cluster: Cluster) -> None:
    """The kubelet links each container's log here, whatever its log folder is."""
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(cluster.root):
            link.unlink()
