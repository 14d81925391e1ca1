"""Following: a watch that ends or breaks begins again with a list, and silence is said once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli import follow
from devperfops_operator.cli.cluster import RUNS, Change, Cluster
from devperfops_operator.cli.errors import Away, Trouble
from devperfops_operator.cli.follow import Broken, Follower, Gone, News, Note
from devperfops_operator.cli.waiting import _Wait
from tests.unit.cli import samples

AWAY = Away("the Kubernetes API does not answer.")


class ScriptedCluster:
    """Answers one list after the other, each with the watch that follows it; then it is silent for good."""

    def __init__(self, *answers: tuple[list[PerfRun], list[Change[PerfRun]]] | Trouble) -> None:
        self._answers = list(answers)
        self._watches: list[list[Change[PerfRun]]] = []
        self._over = threading.Event()

    def list_from(self, _kind: Any, _name: str | None) -> tuple[list[PerfRun], str]:
        if not self._answers:
            self._over.wait()  # nothing more happens
        answer = self._answers.pop(0)
        if isinstance(answer, Trouble):
            raise answer
        found, changes = answer
        self._watches.append(changes)
        return found, "1"

    def changes(self, _kind: Any, _name: str | None, _version: str) -> Iterator[Change[PerfRun]]:
        yield from self._watches.pop()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(follow, "_RETRY_S", 0.001)


def _news(*answers: Any, count: int, name: str | None = None) -> list[News | None]:
    cluster: Any = ScriptedCluster(*answers)
    assert {"list_from", "changes"} <= set(dir(Cluster))  # what is scripted is what there is
    with Follower(cluster) as follower:
        follower.watch(RUNS, name)
        return [follower.news(5) for _ in range(count)]


def _run(name: str, phase: str = "Pending") -> PerfRun:
    return samples.run(name, phase=phase)


def test_what_is_there_comes_first_then_what_changes():
    a, b, changed = _run("a"), _run("b"), _run("a", "Running")
    changes = [Change(changed, deleted=False), Change(b, deleted=True)]
    assert _news(([a, b], changes), count=4) == [a, b, changed, Gone("b")]


def test_a_watch_that_ended_begins_again_with_a_list_that_shows_what_was_missed():
    a, b, later = _run("a"), _run("b"), _run("a", "Completed")
    assert _news(([a, b], []), ([later], []), count=4) == [a, b, later, Gone("b")]


def test_an_object_created_during_a_watch_is_missed_when_it_is_gone_from_the_next_list():
    a = _run("a")
    assert _news(([], [Change(a, deleted=False)]), ([], []), count=2) == [a, Gone("a")]


def test_the_one_waited_for_is_gone_if_it_is_not_even_in_the_first_list():
    assert _news(([], []), count=1, name="a") == [Gone("a")]


def test_silence_is_said_once_and_its_end_too():
    a = _run("a")
    told = _news(AWAY, AWAY, AWAY, ([a], []), count=3)
    assert told == [
        Note("the Kubernetes API does not answer. Trying again."),
        Note("the Kubernetes API answers again."),
        a,
    ]


def test_a_refusal_ends_it():
    refusal = Trouble("not allowed.")
    assert _news(refusal, ([_run("a")], []), count=1) == [Broken(refusal)]


class Page:
    """A screen that keeps what it was shown."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def test_a_run_that_nobody_takes_up_is_wondered_about_once():
    page: Any = Page()
    wait = _Wait(_run("a"), page)
    for seconds in (1, 14, 16, 30):
        wait.wonder(seconds)
    assert page.notes == ["no operator has taken this run up yet; is one running in the cluster?"]
    page.notes.clear()
    _Wait(samples.running(), page).wonder(60)
    assert page.notes == []
