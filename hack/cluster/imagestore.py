"""Images: built by buildah from ordinary Dockerfiles, imported into containerd or pushed to a registry."""

from __future__ import annotations

import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import buildah, builds, commands, dockerfile, packages
from hack.cluster.builds import Program
from hack.cluster.console import say
from hack.cluster.errors import ClusterError
from hack.cluster.locks import exclusive
from hack.cluster.settings import BASE_IMAGE, PAUSE_IMAGE, SOURCES, Cache

_OF_PROGRAMS: Final = {
    "pause": (PAUSE_IMAGE, builds.PAUSE),
    "podinfo": ("docker.io/devperfops/podinfo:dev", builds.PODINFO),
    "prometheus": ("docker.io/devperfops/prometheus:dev", builds.PROMETHEUS),
}
_OF_PACKAGES: Final = {"postgres": "docker.io/devperfops/postgres:dev"}
_ATTEMPTS: Final = 3
KNOWN: Final = (*_OF_PROGRAMS, *_OF_PACKAGES)
"""Names of the images this package describes itself."""


@dataclass(frozen=True)
class Image:
    """How an image is built."""

    name: str
    """In full: registry/path:tag."""
    dockerfile: Path
    context: Path
    arguments: tuple[str, ...] = ()
    """Build arguments, NAME=VALUE."""

    @property
    def key(self) -> str:
        return dockerfile.context_key(self.dockerfile, self.context, self.arguments)


def known(cache: Cache, name: str) -> Image:
    """One of `KNOWN`; if it is of a program, that is built first.

    Raises:
        ClusterError: there is none of that name, not root, or the build fails.
    """
    folder = SOURCES / "images" / name
    if name in _OF_PACKAGES:
        return Image(_OF_PACKAGES[name], folder / "Dockerfile", folder)
    full, program = _of_program(name)
    _need_root()
    builds.ensure(cache, [program])
    return Image(full, folder / "Dockerfile", builds.folder(cache, program))


def described(name: str, file: Path, context: Path, arguments: tuple[str, ...]) -> Image:
    """An image of somebody else's Dockerfile.

    Raises:
        ClusterError: the Dockerfile or the context is missing.
    """
    if not file.is_file():
        raise ClusterError(f"no Dockerfile at {file}: give its path with --dockerfile")
    if not context.is_dir():
        raise ClusterError(f"no folder {context}: give the build context with --context")
    return Image(dockerfile.normalized(name), file.absolute(), context.absolute(), arguments)


def build(cache: Cache, image: Image) -> str:
    """Have the image in buildah's store; returns the name there, which holds the key.

    Raises:
        ClusterError: not root, the build fails, or the context does not rest.
    """
    _need_root()
    packages.ensure(cache, packages.CLUSTER)
    with exclusive(cache.images / ".lock", "another build of images is running"):
        for _ in range(_ATTEMPTS):
            stored = f"localhost/devperfops-build/{_slug(image.name.rpartition(':')[0])}:{image.key}"
            if commands.succeeds(buildah.command(cache, "inspect", "--type=image", stored)):
                return stored
            _build(cache, image, stored)
            if stored.endswith(f":{image.key}"):
                return stored
            # It may hold some files from before the change and some from after it.
            commands.run(buildah.command(cache, "rmi", stored))
            say(f"{image.context} changed during the build: build again")
    raise ClusterError(f"{image.context} changes all the time: build {image.name} when it rests")


def load(cache: Cache, image: Image) -> None:
    """Have the image in the cluster's containerd. An unchanged one costs nothing.

    Raises:
        ClusterError: the cluster does not run, or the image cannot be built.
    """
    if not commands.succeeds(ctr(cache, "version")):
        raise ClusterError("the local cluster does not run: start it with `python3 -m hack.cluster up`")
    stamp = cache.cluster.lib / "imported" / _slug(image.name)
    if stamp.exists() and stamp.read_text() == image.key and image.name in _imported(cache):
        say(f"image {image.name}: unchanged")
        return
    stored = build(cache, image)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".export-", dir=cache.images) as scratch:
        archive = Path(scratch) / "image.tar"
        # Uncompressed, unlike an OCI archive: compressing takes longer than it saves on one machine.
        commands.run_long(
            f"export {image.name}",
            buildah.command(cache, "push", stored, f"docker-archive:{archive}:{image.name}"),
            cache.log / "image-export.log",
        )
        commands.run_long(
            f"import {image.name}",
            ctr(cache, "images", "import", str(archive)),
            cache.log / "image-import.log",
        )
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(stored.rpartition(":")[2])
    say(f"image {image.name}: imported in {time.monotonic() - started:.0f} s, {buildah.size(cache, stored)}")


def push(cache: Cache, image: Image, registry: str, *, verify: bool) -> str:
    """Push the image to a registry; returns its name there."""
    stored = build(cache, image)
    target = f"{registry.rstrip('/')}/{image.name.partition('/')[2]}"
    options = [] if verify else ["--tls-verify=false"]
    seconds = commands.run_long(
        f"push {target}",
        buildah.command(cache, "push", *options, stored, f"docker://{target}"),
        cache.log / "image-push.log",
    )
    say(f"image {target}: pushed in {seconds:.0f} s, {buildah.size(cache, stored)}")
    return target


def ctr(cache: Cache, *arguments: str) -> list[str]:
    """A call of containerd's own client, where the kubelet's images are."""
    return ["ctr", f"--address={cache.cluster.socket}", "--namespace=k8s.io", *arguments]


def _need_root() -> None:
    if os.geteuid() != 0:
        raise ClusterError("images are built as root (buildah with chroot isolation): run as root")


def _of_program(name: str) -> tuple[str, Program]:
    if name not in _OF_PROGRAMS:
        raise ClusterError(
            f"no image is called {name!r}: known are {', '.join(KNOWN)}; "
            "any other needs --name, --dockerfile and --context"
        )
    return _OF_PROGRAMS[name]


def _build(cache: Cache, image: Image, stored: str) -> None:
    if BASE_IMAGE.rpartition("/")[2] in image.dockerfile.read_text():
        buildah.ensure_base(cache)
    label = f"build image {image.name}"
    log = cache.log / f"image-{_slug(image.name)}.log"
    say(f"{label}: start (output in {log})")
    seconds = commands.run_long(
        label,
        buildah.command(
            cache,
            "build",
            "--isolation=chroot",
            "--layers",
            "--pull=never" if buildah.has_base(cache) else "--pull=missing",
            *buildah.host_access(image.dockerfile.read_text(), Path("/")),
            *(f"--build-arg={argument}" for argument in image.arguments),
            f"--file={image.dockerfile}",
            f"--tag={stored}",
            str(image.context),
        ),
        log,
    )
    buildah.drop_older(cache, stored)
    say(f"{label}: done in {seconds:.0f} s, {buildah.size(cache, stored)}")


def _imported(cache: Cache) -> set[str]:
    return set(commands.run(ctr(cache, "images", "list", "--quiet")).split())


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
