"""Other people's programs: run one, wait, and say clearly when it fails."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hack.cluster.console import say
from hack.cluster.errors import ClusterError

TICK: Final = 15.0
"""Seconds between two signs of life of a long step."""
_TAIL: Final = 20
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with the system folders on PATH (a user's often lacks sbin)."""
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"
    return {**os.environ, "PATH": path, **(extra or {})}


def run(argv: Sequence[str], *, stdin: str = "", timeout: float = 120.0) -> str:
    """Run a short command and return its stdout.

    Raises:
        ClusterError: it is missing, fails, or takes longer than `timeout` seconds.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, env=environment(), check=False
        )
    except FileNotFoundError:
        raise ClusterError(f"the program {argv[0]!r} is missing: install it and try again") from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"no end after {timeout:.0f} s: {' '.join(argv)}") from None
    if done.returncode != 0:
        raise ClusterError(
            f"exit code {done.returncode}: {' '.join(argv)}\n{tail(done.stderr or done.stdout)}"
        )
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Whether a command ends with exit code 0."""
    try:
        run(argv)
    except ClusterError:
        return False
    return True


def last_line(log: Path) -> str:
    """The last line of a growing file, shortened to fit a console."""
    lines = re.findall(r"[^\r\n]*\S[^\r\n]*", _COLOUR.sub("", log.read_text(errors="replace")))
    return lines[-1].strip()[:100] if lines else "no output yet"


def run_long(
    label: str,
    argv: Sequence[str],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    progress: Callable[[Path], str] = last_line,
) -> float:
    """Run a command that takes minutes; its output goes to `log`, a sign of life to the console.

    Returns the seconds it took.

    Raises:
        ClusterError: it fails; the message has the end of its output.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (
        log.open("wb") as out,
        subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        while True:
            try:
                code = process.wait(timeout=TICK)
                break
            except subprocess.TimeoutExpired:
                say(f"{label}: {time.monotonic() - started:.0f} s, {progress(log)}")
            except BaseException:
                process.terminate()
                raise
    if code != 0:
        end = tail(log.read_text(errors="replace"))
        raise ClusterError(f"{label} failed with exit code {code}; the whole output is in {log}\n{end}")
    return time.monotonic() - started


def tail(text: str, lines: int = _TAIL) -> str:
    """The last lines of a text, indented."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-lines:])
