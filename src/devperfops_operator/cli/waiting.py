"""Waits for a run's end and shows it going on."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final, assert_never

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase, Verdict
from devperfops_operator.cli.cluster import RUNS, Cluster
from devperfops_operator.cli.errors import ExitCode, Trouble
from devperfops_operator.cli.follow import Broken, Follower, Gone, News, Note
from devperfops_operator.cli.screens import Screen
from devperfops_operator.cli.timeline import Narrator

_LOOK_S: Final = 0.5
_UNSEEN_AFTER_S: Final = 15.0

_CODES: Final = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.ERROR: ExitCode.ERROR,
}


class TimedOut(Trouble):
    """The run had not ended in time; it goes on."""


def exit_code(run: PerfRun) -> ExitCode:
    """Of an ended run; one that ended without a verdict could not be tested."""
    if run.status.phase is not Phase.COMPLETED or run.status.verdict is None:
        return ExitCode.ERROR
    return _CODES[run.status.verdict]


def until_ended(cluster: Cluster, run: PerfRun, screen: Screen, timeout: timedelta) -> PerfRun:
    """The run in its last state.

    Raises:
        TimedOut: it has not ended in time.
        Trouble: it was deleted, or the API server refuses to tell.
    """
    wait = _Wait(run, screen)
    began = time.monotonic()
    with Follower(cluster) as follower, screen:
        follower.watch(RUNS, run.metadata.name)
        while not wait.run.status.phase.terminal:
            elapsed = time.monotonic() - began
            if elapsed >= timeout.total_seconds():
                phase = wait.run.status.phase
                raise TimedOut(f"run {run.metadata.name} has not ended in time; it is {phase}.")
            wait.hear(follower.news(_LOOK_S))
            wait.wonder(elapsed)
    return wait.run


class _Wait:
    """What is known of the run so far."""

    def __init__(self, run: PerfRun, screen: Screen) -> None:
        self.run = run
        self._screen = screen
        self._narrator = Narrator()
        self._wondered = False

    def hear(self, news: News | None) -> None:
        match news:
            case PerfRun():
                self._seen(news)
            case Gone(name):
                raise Trouble(f"run {name} was deleted before it ended.")
            case Broken(trouble):
                raise trouble
            case Note(message):
                self._screen.note(message)
            case PerfGate() | None:
                pass
            case _:
                assert_never(news)

    def wonder(self, elapsed_s: float) -> None:
        """Say once that nobody takes the run up."""
        if elapsed_s > _UNSEEN_AFTER_S and not self.run.status.timeline and not self._wondered:
            self._wondered = True
            self._screen.note("no operator has taken this run up yet; is one running in the cluster?")

    def _seen(self, run: PerfRun) -> None:
        self.run = run
        for line in self._narrator.run(run):
            self._screen.step(line)
        self._screen.progress(run)
