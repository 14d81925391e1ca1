"""Debian packages: installed when the program they bring is missing.

Looked for by program and not by package, so that a host which has containerd or iptables
from elsewhere keeps its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hack.cluster import commands
from hack.cluster.console import say
from hack.cluster.errors import ClusterError
from hack.cluster.settings import CNI_PLUGINS, Cache

CLUSTER: Final[Mapping[str, str]] = {
    "containerd": "containerd",
    "runc": "runc",
    str(CNI_PLUGINS / "bridge"): "containernetworking-plugins",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "modprobe": "kmod",
    "openssl": "openssl",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
}
"""Program, or path of a file -> the package that has it."""


def missing(wanted: Mapping[str, str]) -> list[str]:
    """The packages whose program is not there, sorted."""
    path = commands.environment()["PATH"]
    found = (program for program in wanted if Path(program).exists() or shutil.which(program, path=path))
    return sorted(set(wanted.values()) - {wanted[program] for program in found})


def ensure(cache: Cache, wanted: Mapping[str, str]) -> None:
    """Install what is missing.

    Raises:
        ClusterError: this is no Debian, not root, or the installation fails.
    """
    names = missing(wanted)
    if not names:
        return
    if shutil.which("apt-get") is None:
        raise ClusterError(
            f"apt-get is missing (the local cluster wants Debian 12): install {', '.join(names)} yourself"
        )
    if os.geteuid() != 0:
        raise ClusterError(
            f"root is needed to install {', '.join(names)}: run as root, or install them yourself"
        )
    say(f"install Debian packages: {' '.join(names)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    commands.run_long("apt-get update", ["apt-get", "update"], cache.log / "apt-update.log", env=quiet)
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    commands.run_long("apt-get install", install, cache.log / "apt-install.log", env=quiet)
