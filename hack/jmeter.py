"""JMeter on this machine, of the same files as in its image: python -m hack.jmeter prints its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from hack.cluster.locks import exclusive
from hack.cluster.settings import cache

VERSION: Final = "5.6.3"
_ASSEMBLE: Final = Path(__file__).parents[1] / "deploy/images/jmeter/assemble.sh"


class JMeterError(Exception):
    """JMeter cannot be had; the message says what to do."""


def problem() -> str | None:
    """Why JMeter cannot run on this machine, or None."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    return (
        f"{' and '.join(missing)} not found; install openjdk-17-jre-headless and maven" if missing else None
    )


def ensure() -> Path:
    """JMeter's folder in the cache, assembled from Maven Central when it is not there yet (about 10 s).

    Raises:
        JMeterError: Java, Maven or Maven Central is missing, or a file is not the pinned one.
    """
    home = cache().root / f"jmeter-{VERSION}"
    with exclusive(home.with_suffix(".lock"), "JMeter is being assembled by another process"):
        if not home.exists():
            _assemble(home)
    return home


def jar(home: Path) -> Path:
    """What `java -jar` starts."""
    return home / "bin" / "ApacheJMeter.jar"


def _assemble(home: Path) -> None:
    trouble = problem()
    if trouble is not None:
        raise JMeterError(trouble)
    done = subprocess.run(
        ["sh", str(_ASSEMBLE), str(home)], env=os.environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise JMeterError(f"JMeter could not be assembled:\n{done.stderr or done.stdout}")


if __name__ == "__main__":
    try:
        print(jar(ensure()))
    except JMeterError as error:
        sys.exit(str(error))
