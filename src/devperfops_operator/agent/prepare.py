"""Before JMeter: check its plan, write its properties and data, then wait for the common start."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

from devperfops_operator.agent.folder import ResultsFolder
from devperfops_operator.agent.inputs import (
    check_plan,
    check_plugins,
    kept_plan,
    share_data,
    write_secret_properties,
)
from devperfops_operator.agent.jmeter import properties_text, worker_properties
from devperfops_operator.agent.operator import OperatorClient, RunOverError, UnavailableError
from devperfops_operator.agent.termination import Termination
from devperfops_operator.wire.brief import Brief
from devperfops_operator.wire.layout import RESULTS

_ASK_EVERY_S: Final = 0.5
_log = logging.getLogger(__name__)


def prepare(brief: Brief, worker: int, root: Path, operator: OperatorClient, termination: Termination) -> int:
    """Returns the exit code: 0 at the start, 1 when there will be none.

    Raises:
        RefusedError: there can be no load with such a plan or data.
        OSError: a folder cannot be written.
        ValueError: the orders are impossible.
    """
    check_plan(brief.inputs, root)
    check_plugins(brief.inputs, root)
    write_secret_properties(brief.inputs, root)
    share_data(brief.inputs, root, worker=worker, workers=len(brief.shares))
    folder = ResultsFolder(root / RESULTS)
    folder.write_properties(properties_text(worker_properties(brief, worker)))
    _log.info("worker %d is ready: wait for the start of run %s/%s", worker, brief.namespace, brief.run)
    try:
        start = _agreed_start(operator, termination)
    except RunOverError as error:
        _log.error("no start: %s", error)
        return 1
    while start is not None and not termination.requested and (left := start - time.monotonic()) > 0:
        termination.wait(left)
    if termination.requested:
        _log.error("no start: told to end")
        return 1
    folder.write_plan(kept_plan(brief.inputs, root))  # now: a mounted ConfigMap follows its changes
    _log.info("start")
    return 0


def _agreed_start(operator: OperatorClient, termination: Termination) -> float | None:
    """The start on the monotonic clock; None when told to end before."""
    told = ""
    while not termination.requested:
        try:
            start_in_ms = operator.start().start_in_ms
        except UnavailableError as error:
            start_in_ms = None
            if str(error) != told:
                _log.warning("ask again: %s", error)
            told = str(error)
        if start_in_ms is not None:
            _log.info("start in %d ms", start_in_ms)
            return time.monotonic() + start_in_ms / 1000
        termination.wait(_ASK_EVERY_S)
    return None
