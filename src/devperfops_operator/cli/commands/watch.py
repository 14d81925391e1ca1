from __future__ import annotations

import click

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import GATES, RUNS, Cluster
from devperfops_operator.cli.console import stdout
from devperfops_operator.cli.follow import Broken, Follower, Gone, News, Note
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.screens import Screen, screen
from devperfops_operator.cli.timeline import Narrator

_LOOK_S = 0.5


@click.command("watch")
@click.argument("gate")
@on_cluster
def command(cluster: Cluster, gate: str) -> None:
    """Follow a gate and its runs as a timeline.

    Begins with runs that have not ended; goes on until interrupted or the gate is deleted.
    """
    cluster.get(GATES, gate)
    ended = [run for run in cluster.find_all(RUNS) if run.status.phase.terminal]
    with Follower(cluster) as follower, screen(stdout()) as shown:
        watching = Watching(gate, shown, ended)
        follower.watch(GATES, gate)
        follower.watch(RUNS)
        while not watching.over:
            watching.hear(follower.news(_LOOK_S))


class Watching:
    """Turns news into lines on a screen. `ended`: runs whose steps so far are history."""

    def __init__(self, gate: str, shown: Screen, ended: list[PerfRun]) -> None:
        self.over = False
        self._gate = gate
        self._screen = shown
        self._narrator = Narrator()
        for run in ended:
            self._narrator.skip(run)

    def hear(self, news: News | None) -> None:
        match news:
            case PerfGate():
                for line in self._narrator.gate(news):
                    self._screen.step(line)
            case PerfRun() if news.spec.gate == self._gate:
                for line in self._narrator.run(news):
                    self._screen.step(line)
                self._screen.progress(news)
            case Gone(name) if name == self._gate:
                self._screen.note(f"gate {name} was deleted.")
                self.over = True
            case Note(message):
                self._screen.note(message)
            case Broken(trouble):
                raise trouble
            case _:
                pass
