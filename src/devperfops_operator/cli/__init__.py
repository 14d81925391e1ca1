"""`devperfops`, also `kubectl perfgate`: run, watch and explain performance gates."""

from __future__ import annotations

import io
import sys

from devperfops_operator.cli.app import app


def main() -> None:
    """Entry point of both console scripts."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 is no reason to fail
    app(prog_name="kubectl perfgate" if "kubectl-perfgate" in sys.argv[0] else "devperfops")
