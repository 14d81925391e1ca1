"""A MongoDB-speaking server of its own: in a folder, on a port of its own, with users."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from hack.kube import wait_for
from hack.mongodb.install import Programs, programs

_HOST: Final = "127.0.0.1"
_ROOT: Final = ("root", "all may")


class MongoDBError(Exception):
    """A program of MongoDB's failed, or the server does not start; the message is its own."""


@dataclass(frozen=True)
class MongoDB:
    """A server that runs."""

    folder: Path
    port: int
    programs: Programs
    client: MongoClient[dict[str, Any]]
    """As its superuser."""

    def uri(self, user: str = _ROOT[0], password: str = _ROOT[1]) -> str:
        return f"mongodb://{quote(user, safe='')}:{quote(password, safe='')}@{_HOST}:{self.port}/"

    @property
    def env(self) -> dict[str, str]:
        """Where MongoDB's clients are found."""
        found = (self.programs.mongosh, self.programs.mongorestore)
        return {"PATH": ":".join([*(str(each.parent) for each in found), os.environ["PATH"]])}

    def dump(self, database: str, file: Path) -> None:
        """An archive of mongodump; packed if its name ends with .gz."""
        packed = ["--gzip"] if file.suffix == ".gz" else []
        known = [f"--uri={self.uri()}", "--authenticationDatabase=admin", f"--db={database}"]
        command = [str(self.programs.mongodump), *known, f"--archive={file}", *packed]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MongoDBError(done.stderr.strip())


@contextmanager
def running() -> Iterator[MongoDB]:
    """A new server for the length of the block.

    Raises:
        ClusterError: the server or a client is missing and cannot be installed.
        MongoDBError: it does not start.
    """
    found = programs()
    folder = Path(tempfile.mkdtemp(prefix="mongodb-"))
    port = _free_port()
    address = f"mongodb://{_HOST}:{port}/"
    try:
        with _process(found, folder, port), MongoClient[dict[str, Any]](address) as client:
            user, password = _ROOT
            client.admin.command("createUser", user, pwd=password, roles=["root"])
        with (
            _process(found, folder, port, "--auth"),
            MongoClient[dict[str, Any]](address, username=user, password=password) as client,
        ):
            yield MongoDB(folder, port, found, client)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(found: Programs, folder: Path, port: int, *options: str) -> Iterator[None]:
    where = [f"--host={_HOST}", f"--port={port}", f"--storage-path={folder}/data", "--cache-size=64M"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([str(found.server), *where, *options], cwd=folder, stdout=log, stderr=log)
    try:
        wait_for("the server to answer", lambda: _answers(folder, port, process), seconds=60, interval=0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(folder: Path, port: int, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise MongoDBError((folder / "log").read_text(errors="replace")[-1000:])
    try:
        with MongoClient[dict[str, Any]](_HOST, port, serverSelectionTimeoutMS=500) as client:
            client.admin.command("hello")
    except PyMongoError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as taken:
        return int(taken.getsockname()[1])
