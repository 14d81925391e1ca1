"""Follows objects as they change: watches in threads, news in one queue.

A watch that ends, breaks or is too old (410) begins again with a list; only states in
between can be missed. While the API does not answer it is asked again, which is said once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self, TypeVar

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import Cluster, Kind
from devperfops_operator.cli.errors import Away, Trouble

_RETRY_S: Final = 2.0

Followed = TypeVar("Followed", PerfGate, PerfRun)


@dataclass(frozen=True, slots=True)
class Gone:
    """The object was deleted."""

    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """For the person who waits: the API does not answer, or answers again."""

    message: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Following is over: asking again would change nothing."""

    trouble: Trouble


News = PerfGate | PerfRun | Gone | Note | Broken


class Follower:
    """Use as a context manager; `watch` what is of interest, then read `news`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._queue: SimpleQueue[News] = SimpleQueue()
        self._over = threading.Event()
        self._silent = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def watch(self, kind: Kind[Followed], name: str | None = None) -> None:
        """All objects of the kind in the namespace, or the one called `name`."""
        threading.Thread(target=self._watch, args=(kind, name), daemon=True).start()

    def news(self, timeout_s: float) -> News | None:
        """The next piece; None when there was none in that time."""
        try:
            return self._queue.get(timeout=timeout_s)
        except Empty:
            return None

    def _watch(self, kind: Kind[Followed], name: str | None) -> None:
        known = {name} if name else set()
        while not self._over.is_set():
            try:
                known = self._once(kind, name, known)
            except Away as silence:
                self._falls_silent(silence)
                self._over.wait(_RETRY_S)
            except Trouble as trouble:
                self._queue.put(Broken(trouble))
                return

    def _once(self, kind: Kind[Followed], name: str | None, known: set[str]) -> set[str]:
        """List, then pass on changes until the watch ends; the names there were."""
        found, version = self._cluster.list_from(kind, name)
        self._answers()
        names = {resource.metadata.name for resource in found}
        for resource in found:
            self._queue.put(resource)
        for lost in known - names:
            self._queue.put(Gone(lost))
        try:
            for change in self._cluster.changes(kind, name, version):
                if self._over.is_set():
                    break
                self._pass_on(change.resource, names, deleted=change.deleted)
        except Away:  # a broken watch is no news; the list that follows tells whether the API is away
            self._over.wait(_RETRY_S)
        return names

    def _pass_on(self, resource: PerfGate | PerfRun, names: set[str], *, deleted: bool) -> None:
        if deleted:
            names.discard(resource.metadata.name)
            self._queue.put(Gone(resource.metadata.name))
        else:
            names.add(resource.metadata.name)
            self._queue.put(resource)

    def _falls_silent(self, silence: Away) -> None:
        with self._lock:
            if not self._silent:
                self._queue.put(Note(f"{silence.message} Trying again."))
            self._silent = True

    def _answers(self) -> None:
        with self._lock:
            if self._silent:
                self._queue.put(Note("the Kubernetes API answers again."))
            self._silent = False
