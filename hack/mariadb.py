"""A MariaDB server of its own: in a folder, on a port of its own, by a user without rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import packages, settings
from hack.kube import wait_for

_SERVER: Final = "/usr/sbin/mariadbd"
_HOST: Final = "127.0.0.1"
_UNPRIVILEGED: Final = "nobody"
PACKAGES: Final[Mapping[str, str]] = {_SERVER: "mariadb-server-core", "mariadb-dump": "mariadb-client"}


class MariaDBError(Exception):
    """A program of MariaDB's failed; the message is its own."""


@dataclass(frozen=True)
class MariaDB:
    """A server that runs."""

    folder: Path
    port: int

    @property
    def env(self) -> dict[str, str]:
        """What its clients and a shell need to reach it as its superuser."""
        return {
            "PATH": os.environ["PATH"],
            "MYSQL_HOST": _HOST,
            "MYSQL_TCP_PORT": str(self.port),
            "MYSQL_USER": "root",
            "TMPDIR": str(self.folder),
        }

    def run(self, *argv: str, stdin: str = "") -> str:
        """What one of its clients prints. Raises MariaDBError."""
        done = subprocess.run(argv, env=self.env, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MariaDBError(done.stderr.strip())
        return done.stdout.strip()

    def sql(self, text: str, database: str = "mysql") -> str:
        """What the statements give. Raises MariaDBError."""
        batch = ("--batch", "--skip-column-names", f"--database={database}")
        return self.run("mariadb", *self.who, *batch, stdin=text)

    @property
    def who(self) -> tuple[str, ...]:
        """Arguments of its clients: where it is, and its superuser."""
        return (f"--host={_HOST}", f"--port={self.port}", "--user=root")


@contextmanager
def running() -> Iterator[MariaDB]:
    """A new server for the length of the block.

    Raises:
        ClusterError: MariaDB is missing and cannot be installed.
        MariaDBError: it does not start.
    """
    packages.ensure(settings.cache(), PACKAGES)
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    server = MariaDB(folder, _free_port())
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = f"--datadir={folder}/data"
        install = ["mariadb-install-db", "--no-defaults", data, "--auth-root-authentication-method=normal"]
        made = subprocess.run(
            [*install, "--skip-test-db"], user=user, cwd=folder, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise MariaDBError(f"mariadb-install-db: {made.stderr.strip()}")
        options = [
            f"--bind-address={_HOST}",
            f"--port={server.port}",
            f"--socket={folder}/socket",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_SERVER, "--no-defaults", data, *options, f"--pid-file={folder}/pid"],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            wait_for("MariaDB to answer", lambda: _answers(server, process), seconds=60, interval=0.1)
            yield server
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answers(server: MariaDB, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise MariaDBError((server.folder / "log").read_text(errors="replace")[-1000:])
    try:
        return server.sql("SELECT 1") == "1"
    except MariaDBError:
        return False


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as taken:
        return int(taken.getsockname()[1])
