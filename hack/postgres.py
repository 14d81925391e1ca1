"""A PostgreSQL server of its own: in a folder, on a Unix socket there, by a user without rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hack.cluster import packages, settings

_BIN: Final = Path("/usr/lib/postgresql/15/bin")
_UNPRIVILEGED: Final = "nobody"
PACKAGES: Final[Mapping[str, str]] = {str(_BIN / "postgres"): "postgresql-15"}


class PostgresError(Exception):
    """A program of PostgreSQL's failed; the message is its own."""


@dataclass(frozen=True)
class Postgres:
    """A server that runs."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """What libpq and a shell need to reach it as its superuser."""
        return {"PATH": f"{_BIN}:{os.environ['PATH']}", "PGHOST": str(self.folder), "PGUSER": "postgres"}

    def run(self, *argv: str, stdin: str = "") -> str:
        """What one of its clients prints. Raises PostgresError."""
        done = subprocess.run(
            argv, env=self.env, input=stdin, capture_output=True, text=True, check=False, cwd=self.folder
        )
        if done.returncode != 0:
            raise PostgresError(done.stderr.strip())
        return done.stdout.strip()

    def sql(self, text: str, database: str = "postgres") -> str:
        """What the statements give. Raises PostgresError."""
        return self.run(
            *("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"),
            f"--dbname={database}",
            stdin=text,
        )


@contextmanager
def running(**options: str) -> Iterator[Postgres]:
    """A new server, with settings of postgresql.conf, for the length of the block.

    Raises:
        ClusterError: PostgreSQL is missing and cannot be installed.
        PostgresError: it does not start.
    """
    packages.ensure(settings.cache(), PACKAGES)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
        data = str(folder / "data")
        _as_unprivileged(
            folder, "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync"
        )
        wanted = {"listen_addresses": "", "unix_socket_directories": str(folder), **options}
        given = " ".join(f"-c {name}='{value}'" for name, value in wanted.items())
        _as_unprivileged(
            folder, "pg_ctl", "start", "--wait", "--pgdata", data, f"--log={folder}/log", f"--options={given}"
        )
        try:
            yield Postgres(folder)
        finally:
            _as_unprivileged(folder, "pg_ctl", "stop", "--pgdata", data, "--mode=immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_unprivileged(folder: Path, program: str, *arguments: str) -> None:
    """The server refuses to run as root."""
    done = subprocess.run(
        [str(_BIN / program), *arguments],
        user=_UNPRIVILEGED if os.geteuid() == 0 else None,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PostgresError(f"{program}: {done.stderr.strip()}")
