"""The tools as their users run them: one command for one document."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.peers import jmeter, taurus
from benchmarks.peers.older import as_swagger
from benchmarks.peers.request import Request
from hack import openapi_generator
from hack import taurus as taurus_program

_AT_MOST_S: Final = 120


class RefusedError(Exception):
    """The tool has made nothing of a document."""


@dataclass(frozen=True)
class Tool:
    """`command`: of a document and an empty folder; `requests`: of what it wrote there."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    plans: str
    requests: Callable[[Path], list[Request]]

    def run(self, document: Path, folder: Path) -> Iterable[Path]:
        """The plans it makes.

        Raises:
            RefusedError: it fails, takes too long, or makes none.
        """
        try:
            done = subprocess.run(
                self.command(document, folder), capture_output=True, timeout=_AT_MOST_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise RefusedError from None
        plans = sorted(folder.rglob(self.plans))
        if done.returncode != 0 or not plans:
            raise RefusedError
        return plans


def all_of_them() -> list[Tool]:
    """Ours first. Peers are fetched when they are not there yet."""
    jar = openapi_generator.ensure()
    programs = taurus_program.ensure()
    taurus_name = f"Taurus {taurus_program.VERSION}"
    return [
        Tool("devperfops scenario", _ours, "*.jmx", jmeter.requests),
        Tool(
            f"openapi-generator {openapi_generator.VERSION}",
            partial(_openapi_generator, jar),
            "*.jmx",
            jmeter.requests,
        ),
        Tool(taurus_name, partial(_taurus, programs), "plan.json", taurus.requests),
        Tool(
            f"{taurus_name}, documents rewritten as Swagger 2.0",
            partial(_taurus_rewritten, programs),
            "plan.json",
            taurus.requests,
        ),
    ]


def _ours(document: Path, folder: Path) -> Sequence[str]:
    program = Path(sys.executable).with_name("devperfops")
    return [str(program), "scenario", str(document), "-o", str(folder / "plan.jmx")]


def _openapi_generator(jar: Path, document: Path, folder: Path) -> Sequence[str]:
    """Without the check of documents, which refuses more of them."""
    of = ["-g", "jmeter", "-i", str(document), "-o", str(folder)]
    return ["java", "-jar", str(jar), "generate", "--skip-validate-spec", *of]


def _taurus(programs: Path, document: Path, folder: Path) -> Sequence[str]:
    return [
        str(programs / "swagger2yaml"),
        "--quiet",
        "--json",
        str(document),
        "-o",
        str(folder / "plan.json"),
    ]


def _taurus_rewritten(programs: Path, document: Path, folder: Path) -> Sequence[str]:
    older = folder / "swagger.json"
    older.write_text(json.dumps(as_swagger(json.loads(document.read_bytes()))))
    return _taurus(programs, older, folder)
