"""What the queue holds: the name of something to look at again, never what happened to it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from devperfops_operator.api.base import ObjectMeta


class Subject(StrEnum):
    GATE = "PerfGate"
    RUN = "PerfRun"


class Key(NamedTuple):
    subject: Subject
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.subject} {self.namespace}/{self.name}"


def gate_key(metadata: ObjectMeta) -> Key:
    return Key(Subject.GATE, metadata.namespace, metadata.name)


def run_key(metadata: ObjectMeta) -> Key:
    return Key(Subject.RUN, metadata.namespace, metadata.name)
