"""What the queue holds: the name of something to look at again, never what happened to it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Subject(StrEnum):
    GATE = "PerfGate"
    RUN = "PerfRun"
    POLICY = "QuotaPolicy"


class Key(NamedTuple):
    subject: Subject
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.subject} {self.namespace}/{self.name}"
