"""Taurus (bzt) in an environment of its own: python -m hack.taurus prints its folder of programs.

Its packages are pinned in benchmarks/peers/taurus.lock, apart from the project's own. Again, with uv:
echo bzt==1.17.2 | uv pip compile - --python-version 3.11 --generate-hashes --no-header --no-annotate -o FILE
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from hack.cluster.locks import exclusive
from hack.cluster.settings import CHECKOUT, cache

VERSION: Final = "1.17.2"
_LOCK: Final = CHECKOUT / "benchmarks" / "peers" / "taurus.lock"


class TaurusError(Exception):
    """Taurus cannot be had; the message says what to do."""


def ensure() -> Path:
    """The folder of its programs in the cache, installed by pip when it is not there yet (half a minute).

    Raises:
        TaurusError: the package index is missing, or a package is not the pinned one.
    """
    home = cache().root / f"taurus-{VERSION}"
    with exclusive(home.with_suffix(".lock"), "Taurus is being installed by another process"):
        if not (home / "installed").exists():
            _install(home)
    return home / "bin"


def _install(home: Path) -> None:
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(home / "bin" / "pip"), "install", "--quiet", "--require-hashes", "--requirement", str(_LOCK)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TaurusError(f"Taurus {VERSION} could not be installed:\n{done.stderr}")
    (home / "installed").touch()


if __name__ == "__main__":
    try:
        print(ensure())
    except TaurusError as error:
        sys.exit(str(error))
