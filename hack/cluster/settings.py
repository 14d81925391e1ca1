"""Where the local cluster keeps its files, and the addresses it uses.

Addresses come from 198.18.0.0/15, the range RFC 2544 sets aside for benchmarks:
no real network has them, so nothing of the host is shadowed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).resolve().parent
CHECKOUT: Final = SOURCES.parent.parent

NODE_NAME: Final = "devperfops"
NODE_IP: Final = "198.18.255.1"
"""A /32 on `lo`. Not a 127/8 address, because those may not be the endpoint of a Service."""
CLUSTER_RANGE: Final = "198.18.0.0/15"
POD_CIDR: Final = "198.18.0.0/16"
NODE_POD_CIDR: Final = "198.18.0.0/24"
"""What the controller manager gives to the one node: the first /24 of the pods' range."""
SERVICE_CIDR: Final = "198.19.0.0/16"
API_SERVICE_IP: Final = "198.19.0.1"
API_PORT: Final = 6443
ETCD_CLIENT_PORT: Final = 12379
ETCD_PEER_PORT: Final = 12380
BRIDGE: Final = "dpobr0"
CHAIN: Final = "DPO-ISOLATE"
MAX_PODS: Final = 200
"""Pods per node; the node's /24 has 253 addresses for them."""

PAUSE_IMAGE: Final = "localhost/devperfops/pause:local"
BASE_IMAGE: Final = "docker.io/library/debian:bookworm-slim"
CNI_PLUGINS: Final = Path("/usr/lib/cni")


@dataclass(frozen=True)
class Cache:
    """The folder outside the checkout that outlives it: programs, images, cluster state."""

    root: Path

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    @property
    def bin(self) -> Path:
        """Links to the newest build of each program."""
        return self.root / "bin"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def log(self) -> Path:
        """Output of builds."""
        return self.root / "log"

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.root / "cluster")


@dataclass(frozen=True)
class Cluster:
    """The state folder of the one cluster of this machine."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        return self.root / "admin.kubeconfig"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def run(self) -> Path:
        """What is worth nothing once the processes are gone."""
        return self.root / "run"

    @property
    def lib(self) -> Path:
        """What a stopped cluster keeps: API objects, images."""
        return self.root / "lib"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def socket(self) -> Path:
        """containerd's socket."""
        return self.run / "containerd.sock"


def cache() -> Cache:
    """The cache: $DEVPERFOPS_CACHE, else $XDG_CACHE_HOME/devperfops, else ~/.cache/devperfops."""
    explicit = os.environ.get("DEVPERFOPS_CACHE")
    if explicit:
        return Cache(Path(explicit).absolute())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Cache(Path(home).absolute() / "devperfops")
