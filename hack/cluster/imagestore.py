"""Images: built by buildah from ordinary Dockerfiles, imported into containerd or pushed to a registry."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import builds, commands, dockerfile, packages
from hack.cluster.builds import Program
from hack.cluster.console import say
from hack.cluster.errors import ClusterError
from hack.cluster.locks import exclusive
from hack.cluster.settings import BASE_IMAGE, PAUSE_IMAGE, SOURCES, Cache

_PULL_SECONDS: Final = 30.0
_PIP: Final = "etc/pip.conf"
_AUTHORITIES: Final = "etc/ssl/certs/ca-certificates.crt"
_OWN_AUTHORITIES: Final = "usr/local/share/ca-certificates"
_JAVA_AUTHORITIES: Final = "etc/ssl/certs/java/cacerts"
_JAVA_MOUNT: Final = "/run/host-java-authorities"
_SLIM: Final = ("man", "doc", "info", "locale", "lintian")
"""Folders of /usr/share that Debian's slim image goes without."""
_OF_PROGRAMS: Final = {
    "pause": (PAUSE_IMAGE, builds.PAUSE),
    "podinfo": ("docker.io/devperfops/podinfo:dev", builds.PODINFO),
    "prometheus": ("docker.io/devperfops/prometheus:dev", builds.PROMETHEUS),
}
KNOWN: Final = tuple(_OF_PROGRAMS)
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
    """One of `KNOWN`; its program is built first."""
    full, program = _of_program(name)
    builds.ensure(cache, [program])
    return Image(full, SOURCES / "images" / name / "Dockerfile", builds.folder(cache, program))


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
    """Have the image in buildah's store; returns the name there, which holds the key."""
    packages.ensure(cache, packages.CLUSTER)
    if os.geteuid() != 0:
        raise ClusterError("images are built as root (buildah with chroot isolation): run as root")
    stored = f"localhost/devperfops-build/{_slug(image.name.rpartition(':')[0])}:{image.key}"
    with exclusive(cache.images / ".lock", "another build of images is running"):
        if not commands.succeeds(_buildah(cache, "inspect", "--type=image", stored)):
            _build(cache, image, stored)
    return stored


def load(cache: Cache, image: Image) -> None:
    """Have the image in the cluster's containerd. An unchanged one costs nothing.

    Raises:
        ClusterError: the cluster does not run, or the image cannot be built.
    """
    if not commands.succeeds(_ctr(cache, "version")):
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
            _buildah(cache, "push", stored, f"docker-archive:{archive}:{image.name}"),
            cache.log / "image-export.log",
        )
        commands.run_long(
            f"import {image.name}",
            _ctr(cache, "images", "import", str(archive)),
            cache.log / "image-import.log",
        )
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(image.key)
    say(f"image {image.name}: imported in {time.monotonic() - started:.0f} s, {_size(cache, stored)}")


def push(cache: Cache, image: Image, registry: str, *, verify: bool) -> str:
    """Push the image to a registry; returns its name there."""
    stored = build(cache, image)
    target = f"{registry.rstrip('/')}/{image.name.partition('/')[2]}"
    options = [] if verify else ["--tls-verify=false"]
    seconds = commands.run_long(
        f"push {target}",
        _buildah(cache, "push", *options, stored, f"docker://{target}"),
        cache.log / "image-push.log",
    )
    say(f"image {target}: pushed in {seconds:.0f} s, {_size(cache, stored)}")
    return target


def host_access(text: str, root: Path) -> list[str]:
    """The build options by which RUN reaches the package registries as the host below `root` does.

    A host with certificate authorities or a pip configuration of its own lends them for the build; no
    content of theirs stays in the image. Maven takes its trust store by a Dockerfile's `ARG MAVEN_OPTS`.
    """
    options = []
    if (root / _PIP).exists():
        files = [root / name for name in (_PIP, _AUTHORITIES)]
        options += [f"--volume={file}:{file}:ro" for file in files if file.exists()]
    store = root / _JAVA_AUTHORITIES
    if "ARG MAVEN_OPTS" in text and any((root / _OWN_AUTHORITIES).glob("*.crt")) and store.exists():
        options.append(f"--volume={store}:{_JAVA_MOUNT}:ro")
        options.append(f"--build-arg=MAVEN_OPTS=-Djavax.net.ssl.trustStore={_JAVA_MOUNT}")
    return options


def _of_program(name: str) -> tuple[str, Program]:
    if name not in _OF_PROGRAMS:
        raise ClusterError(
            f"no image is called {name!r}: known are {', '.join(KNOWN)}; "
            "any other needs --name, --dockerfile and --context"
        )
    return _OF_PROGRAMS[name]


def _build(cache: Cache, image: Image, stored: str) -> None:
    if BASE_IMAGE.rpartition("/")[2] in image.dockerfile.read_text():
        _ensure_base(cache)
    label = f"build image {image.name}"
    log = cache.log / f"image-{_slug(image.name)}.log"
    say(f"{label}: start (output in {log})")
    seconds = commands.run_long(
        label,
        _buildah(
            cache,
            "build",
            "--isolation=chroot",
            "--layers",
            "--pull=never" if _has_base(cache) else "--pull=missing",
            *host_access(image.dockerfile.read_text(), Path("/")),
            *(f"--build-arg={argument}" for argument in image.arguments),
            f"--file={image.dockerfile}",
            f"--tag={stored}",
            str(image.context),
        ),
        log,
    )
    _drop_older(cache, stored)
    say(f"{label}: done in {seconds:.0f} s, {_size(cache, stored)}")


def _drop_older(cache: Cache, stored: str) -> None:
    """Forget the former builds of an image: each would keep its layers on the disk."""
    repository = stored.rpartition(":")[0]
    every = json.loads(commands.run(_buildah(cache, "images", "--json")))
    names = [name for image in every for name in image.get("names") or []]
    older = [name for name in names if name.startswith(f"{repository}:") and name != stored]
    if older:
        commands.run(_buildah(cache, "rmi", *older))


def _ensure_base(cache: Cache) -> None:
    """Have Debian's base image: pulled, or made from Debian's packages where no registry can be reached."""
    if _has_base(cache):
        return
    say(f"pull {BASE_IMAGE}")
    try:
        commands.run(_buildah(cache, "pull", "--retry=0", BASE_IMAGE), timeout=_PULL_SECONDS)
    except ClusterError:
        say(f"{BASE_IMAGE} cannot be pulled: make it from Debian's packages")
        _make_base(cache)


def _make_base(cache: Cache) -> None:
    with tempfile.TemporaryDirectory(prefix=".base-", dir=cache.images) as scratch:
        archive = Path(scratch) / "base.tar"
        commands.run_long(
            "mmdebstrap bookworm",
            [
                *("mmdebstrap", "--variant=minbase", "--include=ca-certificates"),
                *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _SLIM),
                "--dpkgopt=path-include=/usr/share/doc/*/copyright",
                # Java's packages link their manuals there, manuals or not.
                '--customize-hook=mkdir -p "$1/usr/share/man/man1"',
                *("bookworm", str(archive)),
            ],
            cache.log / "image-base.log",
        )
        container = commands.run(_buildah(cache, "from", "scratch")).strip()
        try:
            commands.run(_buildah(cache, "add", container, str(archive), "/"))
            commands.run(_buildah(cache, "config", "--cmd=bash", container))
            commands.run(_buildah(cache, "commit", container, BASE_IMAGE))
        finally:
            commands.run(_buildah(cache, "rm", container))
    say(f"image {BASE_IMAGE}: made, {_size(cache, BASE_IMAGE)}")


def _has_base(cache: Cache) -> bool:
    return commands.succeeds(_buildah(cache, "inspect", "--type=image", BASE_IMAGE))


def _imported(cache: Cache) -> set[str]:
    return set(commands.run(_ctr(cache, "images", "list", "--quiet")).split())


def _size(cache: Cache, stored: str) -> str:
    found = json.loads(commands.run(_buildah(cache, "images", "--json", stored)))
    return str(found[0]["size"])


def _buildah(cache: Cache, command: str, *arguments: str) -> list[str]:
    store = cache.images / "store"
    return [
        "buildah",
        "--storage-driver=overlay",
        f"--root={store}",
        f"--runroot={store}-run",
        command,
        *arguments,
    ]


def _ctr(cache: Cache, *arguments: str) -> list[str]:
    return ["ctr", f"--address={cache.cluster.socket}", "--namespace=k8s.io", *arguments]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
