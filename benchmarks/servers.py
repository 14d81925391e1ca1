"""`devperfops scenario --check` on real servers, by the documents they serve and nothing written by hand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from benchmarks.figures import Row
from devperfops_operator.cli.scenario.check import Answer, Check
from devperfops_operator.cli.scenario.source import open_document
from devperfops_operator.scenario.chains import plan
from hack.cluster.locks import exclusive
from hack.cluster.settings import cache

_BAR: Final = 0.9
_STARTS_WITHIN_S: Final = 180
_SHOWN: Final = 160


class ServerError(Exception):
    """A server cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Server:
    """From PyPI, in an environment of its own. `command` and `environment` have `{port}` and `{folder}`.

    `files` are put into that folder; `secrets` are the plan's properties.
    """

    name: str
    package: str
    command: Sequence[str]
    environment: Mapping[str, str]
    document: str
    bar: float | None = None
    peer: str = "-"
    files: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


_KINTO: Final = """\
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.userid_hmac_secret = of-this-benchmark
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Everyone
"""
_SERVERS: Final = (
    Server(
        "Prefect",
        "prefect==3.9.1",
        ("prefect", "server", "start", "--host", "127.0.0.1", "--port", "{port}", "--no-ui", "--no-services"),
        {"PREFECT_HOME": "{folder}", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"},
        "/api/openapi.json",
        _BAR,
        "recorded: openapi-generator 7.23.0's plans, played by JMeter: 2 of 202 requests",
    ),
    Server(
        "Chroma",
        "chromadb==1.5.9",
        ("chroma", "run", "--host", "127.0.0.1", "--port", "{port}", "--path", "{folder}"),
        {},
        "/openapi.json",
    ),
    Server(
        "Kinto",
        "kinto==26.5.0",
        ("kinto", "start", "--ini", "{folder}/kinto.ini", "--port", "{port}"),
        {},
        "/v1/__api__",
        files={"kinto.ini": _KINTO},
        secrets={"basicauth_username": "user", "basicauth_password": "any"},
    ),
    Server(
        "Jupyter Server",
        "jupyter_server==2.21.1",
        (
            *("jupyter-server", "--allow-root", "--no-browser", "--ip", "127.0.0.1", "--port", "{port}"),
            *("--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
            "--ServerApp.disable_check_xsrf=True",
        ),
        {
            "JUPYTER_CONFIG_DIR": "{folder}/.config",
            "JUPYTER_DATA_DIR": "{folder}/.data",
            "JUPYTER_RUNTIME_DIR": "{folder}/.run",
        },
        "/api/spec.yaml",
    ),
)


def measure() -> list[Row]:
    return [_row(server, _answers(server)) for server in _SERVERS]


def _row(server: Server, answers: Sequence[Answer]) -> Row:
    good = [each for each in answers if each.good]
    for each in answers:
        if not each.good:
            print(f"  {server.name}: {each.step.name}: {each.status or '-'} {(each.why or '')[:_SHOWN]}")
    share = len(good) / max(1, len(answers))
    lacking = sum(each.status == httpx.codes.NOT_IMPLEMENTED for each in answers)
    return Row(
        f"operations of {server.package} that answer with success, nothing written by hand",
        f"{share:.1%} of {len(answers)}; {lacking} are not implemented (501)",
        "-" if server.bar is None else f">= {server.bar:.0%}",
        server.bar is None or share >= server.bar,
        server.peer,
    )


def _answers(server: Server) -> list[Answer]:
    with tempfile.TemporaryDirectory() as folder, _running(server, folder) as address:
        made = plan(open_document(address + server.document))
        return list(Check(address, server.secrets).answers(made))


@contextmanager
def _running(server: Server, folder: str) -> Iterator[str]:
    programs = _installed(server)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [part.format(port=port, folder=folder) for part in server.command]
    for name, text in server.files.items():
        (Path(folder) / name).write_text(text)
    environment = {name: value.format(folder=folder) for name, value in server.environment.items()}
    with (Path(folder) / "server.log").open("w") as log:
        process = subprocess.Popen(
            [str(programs / command[0]), *command[1:]],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(process, server, address)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _wait(process: subprocess.Popen[bytes], server: Server, address: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address + server.document).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise ServerError(f"{server.name} does not answer at {address}{server.document}")


def _installed(server: Server) -> Path:
    """Where its programs are; installed by pip when they are not there yet."""
    home = cache().root / server.package.replace("==", "-")
    with exclusive(home.with_suffix(".lock"), f"{server.name} is being installed by another process"):
        if not (home / "installed").exists():
            for command in (
                [sys.executable, "-m", "venv", "--clear", str(home)],
                [str(home / "bin" / "pip"), "install", "--quiet", server.package],
            ):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise ServerError(f"{server.package} could not be installed:\n{done.stderr}")
            (home / "installed").touch()
    return home / "bin"
