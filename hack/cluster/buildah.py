"""buildah: its store in our cache, the base image, and what the host lends a build."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

from hack.cluster import commands
from hack.cluster.console import say
from hack.cluster.errors import ClusterError
from hack.cluster.settings import BASE_IMAGE, Cache

_PULL_SECONDS: Final = 30.0
_PIP: Final = "etc/pip.conf"
_AUTHORITIES: Final = "etc/ssl/certs/ca-certificates.crt"
_OWN_AUTHORITIES: Final = "usr/local/share/ca-certificates"
_JAVA_AUTHORITIES: Final = "etc/ssl/certs/java/cacerts"
_JAVA_MOUNT: Final = "/run/host-java-authorities"
_SLIM: Final = ("man", "doc", "info", "locale", "lintian")
"""Folders of /usr/share that Debian's slim image goes without."""


def command(cache: Cache, verb: str, *arguments: str) -> list[str]:
    """A call of buildah with our store."""
    store = cache.images / "store"
    return [
        "buildah",
        "--storage-driver=overlay",
        f"--root={store}",
        f"--runroot={store}-run",
        verb,
        *arguments,
    ]


def size(cache: Cache, stored: str) -> str:
    """The size of an image, as buildah writes it."""
    found = json.loads(commands.run(command(cache, "images", "--json", stored)))
    return str(found[0]["size"])


def drop_older(cache: Cache, stored: str) -> None:
    """Forget the former builds of an image: each would keep its layers on the disk."""
    repository = stored.rpartition(":")[0]
    every = json.loads(commands.run(command(cache, "images", "--json")))
    names = [name for image in every for name in image.get("names") or []]
    older = [name for name in names if name.startswith(f"{repository}:") and name != stored]
    if older:
        commands.run(command(cache, "rmi", *older))


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


def has_base(cache: Cache) -> bool:
    """Whether the base image is in the store."""
    return commands.succeeds(command(cache, "inspect", "--type=image", BASE_IMAGE))


def ensure_base(cache: Cache) -> None:
    """Have Debian's base image: pulled, or made from Debian's packages where no registry can be reached."""
    if has_base(cache):
        return
    say(f"pull {BASE_IMAGE}")
    try:
        commands.run(command(cache, "pull", "--retry=0", BASE_IMAGE), timeout=_PULL_SECONDS)
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
        container = commands.run(command(cache, "from", "scratch")).strip()
        try:
            commands.run(command(cache, "add", container, str(archive), "/"))
            commands.run(command(cache, "config", "--cmd=bash", container))
            commands.run(command(cache, "commit", container, BASE_IMAGE))
        finally:
            commands.run(command(cache, "rm", container))
    say(f"image {BASE_IMAGE}: made, {size(cache, BASE_IMAGE)}")
