"""`devperfops-agent prepare` before JMeter and `tail` beside it; `reset` before all of the load."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from devperfops_operator.agent.folder import ResultsFolder
from devperfops_operator.agent.inputs import RefusedError
from devperfops_operator.agent.operator import OperatorClient
from devperfops_operator.agent.prepare import prepare
from devperfops_operator.agent.reset import reset
from devperfops_operator.agent.tail import Tail
from devperfops_operator.agent.termination import Termination
from devperfops_operator.wire.brief import INDEX_VARIABLE, VARIABLE, Brief
from devperfops_operator.wire.call import VARIABLE as CALL_VARIABLE
from devperfops_operator.wire.call import Call
from devperfops_operator.wire.layout import RESULTS, ROOT

_Orders = TypeVar("_Orders", Brief, Call)

_IMPOSSIBLE: Final = 2
_log = logging.getLogger("devperfops_operator.agent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 not done, 2 the orders are impossible."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    termination = Termination()
    try:
        if options.command == "reset":
            return reset(_call(), os.environ, termination)
        brief = _brief()
        worker = _worker(brief)
        operator = OperatorClient(brief, worker, options.token)
        if options.command == "prepare":
            return prepare(brief, worker, options.root, operator, termination)
        return Tail(brief, worker, ResultsFolder(options.root / RESULTS), operator, termination).run()
    except RefusedError as error:
        return _given_up(options, str(error), error.refusal.to_json())
    except (ValueError, OSError) as error:
        return _given_up(options, str(error), str(error))


def _given_up(options: argparse.Namespace, sentence: str, message: str) -> int:
    """Leaves a message for the operator, which reads it in the pod's status."""
    _log.error("cannot %s: %s", options.command, sentence)
    with suppress(OSError):
        options.message.write_text(message, encoding="utf-8", errors="replace")
    return _IMPOSSIBLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devperfops-agent", description="Runs beside JMeter, and before it."
    )
    parser.add_argument("command", choices=("prepare", "tail", "reset"))
    parser.add_argument("--root", type=Path, default=Path(ROOT))
    parser.add_argument("--token", type=Path, default=Path("/var/run/secrets/devperfops/token"))
    parser.add_argument("--message", type=Path, default=Path("/dev/termination-log"))
    return parser


def _brief() -> Brief:
    return _orders(VARIABLE, Brief.from_json)


def _call() -> Call:
    return _orders(CALL_VARIABLE, Call.from_json)


def _orders(variable: str, read: Callable[[str], _Orders]) -> _Orders:
    try:
        return read(os.environ[variable])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"${variable} holds no orders ({type(error).__name__}: {error})") from None


def _worker(brief: Brief) -> int:
    index = os.environ.get(INDEX_VARIABLE, "")
    if not index.isdecimal() or int(index) >= len(brief.shares):
        raise ValueError(
            f"${INDEX_VARIABLE} must be the number of one of {len(brief.shares)} workers, not {index!r}; "
            "an Indexed Job sets it"
        )
    return int(index)


if __name__ == "__main__":
    sys.exit(main())
