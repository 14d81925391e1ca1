"""Debian's image registry on the node's loopback, to push to and to pull from. containerd speaks plain HTTP to it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from hack.cluster import commands, imagestore, settings
from hack.cluster.locks import exclusive
from hack.kube import wait_for

_PACKAGE = "docker-registry"


@dataclass(frozen=True)
class Registry:
    """`address`: the host and port by which buildah and the node know it. `log`: every request it has answered."""

    address: str
    log: Path

    def pulled(self, image: str) -> bool:
        """Whether containerd was told what the image is. It asks for no content that it still has."""
        path = image.removeprefix(f"{self.address}/").rpartition(":")[0]
        manifest = re.compile(
            rf'"(?:HEAD|GET) /v2/{re.escape(path)}/manifests/\S+ HTTP/1.1" 200 .*"containerd/'
        )
        return manifest.search(self.log.read_text()) is not None


@contextmanager
def real_registry(folder: Path) -> Iterator[Registry]:
    """A registry for the length of the block; the node forgets afterwards what it pulled from it."""
    with _serving(folder) as registry:
        try:
            yield registry
        finally:
            _forget(registry.address)


@contextmanager
def _serving(folder: Path) -> Iterator[Registry]:
    config, log = folder / "registry.yml", folder / "registry.log"
    storage = {"filesystem": {"rootdirectory": str(folder / "registry")}}
    config.write_text(yaml.safe_dump({"version": "0.1", "storage": storage, "http": {"addr": "127.0.0.1:0"}}))
    argv = [_program(), "serve", config]
    with log.open("wb") as out, subprocess.Popen(argv, stdout=out, stderr=out) as process:
        try:
            port = wait_for("the registry listens", lambda: _port(log), seconds=30, interval=0.1)
            yield Registry(f"localhost:{port}", log)
        finally:
            process.terminate()


def _port(log: Path) -> str | None:
    found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
    return found and found[1]


def _program() -> Path:
    """Taken out of the package: installed, it would run as a service of the host."""
    cache = settings.cache()
    folder = cache.programs / _PACKAGE
    program = folder / "usr/bin/docker-registry"
    with exclusive(cache.programs / f".{_PACKAGE}.lock", "another test unpacks the registry"):
        if not program.exists():
            folder.mkdir(parents=True, exist_ok=True)
            commands.run_long("apt-get update", ["apt-get", "update"], cache.log / "apt-update.log")
            commands.run_long(
                f"download {_PACKAGE}",
                ["apt-get", "download", _PACKAGE],
                cache.log / "registry-download.log",
                cwd=folder,
            )
            (archive,) = folder.glob("*.deb")
            commands.run(["dpkg-deb", "--extract", str(archive), str(folder)])
            archive.unlink()
    return program


def _forget(address: str) -> None:
    cache = settings.cache()
    names = commands.run(imagestore.ctr(cache, "images", "list", "--quiet")).split()
    for name in names:
        if name.startswith(f"{address}/"):
            commands.run(imagestore.ctr(cache, "images", "remove", "--sync", name))
