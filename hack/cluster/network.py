"""The host's network as the cluster needs it: forwarding, the node's address, isolation of the pods."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hack.cluster import commands
from hack.cluster.errors import ClusterError
from hack.cluster.settings import BRIDGE, CHAIN, CLUSTER_RANGE, NODE_IP, SERVICE_CIDR

_FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")
_BRIDGE_FILTER: Final = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
_HOOKS: Final = ("FORWARD", "OUTPUT")
_SERVICES: Final = (SERVICE_CIDR, "dev", "lo", "src", NODE_IP)
_VIRTUAL: Final = ("lo", "veth", "ifb", BRIDGE)


def ensure() -> None:
    """Set everything up; changes nothing that is already so."""
    _ensure_sysctl(_FORWARDING)
    if not _BRIDGE_FILTER.exists():
        commands.run(["modprobe", "br_netfilter"])
    # Replies between pods of one bridge pass the Service's address translation only with this.
    _ensure_sysctl(_BRIDGE_FILTER)
    if f" {NODE_IP}/32 " not in commands.run(["ip", "-oneline", "-4", "address", "show", "dev", "lo"]):
        commands.run(["ip", "address", "add", f"{NODE_IP}/32", "dev", "lo"])
    # Without it the host's own packets to a Service would be routed to a real interface first, and rejected.
    commands.run(["ip", "route", "replace", *_SERVICES])
    interfaces = (path.name for path in Path("/sys/class/net").iterdir())
    commands.run(["iptables-restore", "--wait", "--noflush"], stdin=isolation_rules(interfaces))
    for hook in _HOOKS:
        if not commands.succeeds(["iptables", "--wait", "--check", hook, "--jump", CHAIN]):
            commands.run(["iptables", "--wait", "--insert", hook, "--jump", CHAIN])


def isolation_rules(interfaces: Iterable[str]) -> str:
    """The chain that keeps pods and services off every real interface, as iptables-restore reads it.

    A pod's try at an outside address is rejected at once instead of hanging.
    """
    real = sorted(name for name in interfaces if not name.startswith(_VIRTUAL))
    rules = [
        f"-A {CHAIN} {direction} {CLUSTER_RANGE} -o {name} -j REJECT"
        for name in real
        for direction in ("-s", "-d")
    ]
    return "\n".join(["*filter", f":{CHAIN} - [0:0]", *rules, "COMMIT", ""])


def remove() -> None:
    """Take back what `ensure` did, but for the two sysctls, which others may rely on by now."""
    for hook in _HOOKS:
        while commands.succeeds(["iptables", "--wait", "--delete", hook, "--jump", CHAIN]):
            pass
    if commands.succeeds(["iptables", "--wait", "--flush", CHAIN]):
        commands.run(["iptables", "--wait", "--delete-chain", CHAIN])
    commands.succeeds(["ip", "route", "delete", *_SERVICES])
    commands.succeeds(["ip", "link", "delete", BRIDGE])
    commands.succeeds(["ip", "address", "delete", f"{NODE_IP}/32", "dev", "lo"])


def _ensure_sysctl(path: Path) -> None:
    try:
        if path.read_text().strip() != "1":
            path.write_text("1\n")
    except OSError as error:
        raise ClusterError(
            f"cannot set {path} to 1: {error.strerror}; the kernel or container must allow it"
        ) from None
