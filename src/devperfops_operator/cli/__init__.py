"""`devperfops`, also `kubectl perfgate`: run, watch and explain performance gates."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

from devperfops_operator.cli.app import app
from devperfops_operator.cli.errors import ExitCode


def main() -> NoReturn:
    """Entry point of both console scripts."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 is no reason to fail
    try:
        app(prog_name="kubectl perfgate" if "kubectl-perfgate" in sys.argv[0] else "devperfops")
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else ExitCode.ERROR)
    _leave(0)


def _leave(code: int) -> NoReturn:
    """At once: a watch deep in a read would hold up the interpreter's own end, or abort it (code -6)."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = ExitCode.UNREAD
    os._exit(code)
