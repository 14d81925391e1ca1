"""openapi-generator's program from Maven Central: python -m hack.openapi_generator prints its place."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from hack.cluster.locks import exclusive
from hack.cluster.settings import cache

VERSION: Final = "7.23.0"
_SHA256: Final = "cb087e40001e31eb08ef6140dd5de10938dbeb89016a1fe0481eaa25cd569026"
_COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


class OpenApiGeneratorError(Exception):
    """The program cannot be had; the message says what to do."""


def ensure() -> Path:
    """The jar in the cache, fetched by Maven when it is not there yet (32 MB).

    Raises:
        OpenApiGeneratorError: Java, Maven or Maven Central is missing, or the jar is not the pinned one.
    """
    name = f"openapi-generator-cli-{VERSION}.jar"
    home = cache().root / f"openapi-generator-{VERSION}"
    with exclusive(home.with_suffix(".lock"), "openapi-generator is being fetched by another process"):
        if not home.exists():
            _fetch(home, name)
    return home / name


def _fetch(home: Path, name: str) -> None:
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        raise OpenApiGeneratorError(
            f"{' and '.join(missing)} not found; install openjdk-17-jre-headless and maven"
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as part:
        artifact = f"-Dartifact=org.openapitools:openapi-generator-cli:{VERSION}"
        done = subprocess.run(
            ["mvn", "--batch-mode", "--quiet", _COPY, artifact, f"-DoutputDirectory={part}/jar"],
            capture_output=True,
            text=True,
            check=False,
        )
        jar = Path(part) / "jar" / name
        if done.returncode != 0 or not jar.exists():
            raise OpenApiGeneratorError(f"Maven could not fetch {name}:\n{done.stderr or done.stdout}")
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if found != _SHA256:
            raise OpenApiGeneratorError(f"{name} has the checksum {found}, not {_SHA256}")
        jar.parent.rename(home)


if __name__ == "__main__":
    try:
        print(ensure())
    except OpenApiGeneratorError as error:
        sys.exit(str(error))
