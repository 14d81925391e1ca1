"""Played workers: what agents send, without JMeter."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from benchmarks.bench import NAMESPACE
from devperfops_operator.wire.measurement import (
    RUN_UID_HEADER,
    Block,
    Heartbeat,
    JMeterState,
    LabelStats,
    Push,
    blocks_path,
    start_path,
)

_PAUSE: Final = 0.05


@dataclass
class Worker:
    """One index of one run's Job."""

    run: str
    run_uid: str
    index: int
    token: str
    sent: int = 0
    rows: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", RUN_UID_HEADER: self.run_uid}

    @property
    def start_path(self) -> str:
        return start_path(NAMESPACE, self.run, self.index)

    @property
    def blocks_path(self) -> str:
        return blocks_path(NAMESPACE, self.run, self.index)

    def push(self, *, labels: int, slow: bool, blocks: int = 1) -> dict[str, Any]:
        """The next blocks: a second of 50 samples for each label."""
        began = int(time.time()) - blocks
        made = tuple(self._block(began + number, labels, slow=slow) for number in range(blocks))
        beat = Heartbeat(
            JMeterState.RUNNING, self.rows, int(time.time() - 60) * 1000, int(time.time() * 1000)
        )
        return Push(made, beat).to_json()

    def _block(self, second: int, labels: int, *, slow: bool) -> Block:
        over = 50 if slow else 0
        stats = {
            f"GET /path/{number}": LabelStats(50, 0, [over], [0], dict.fromkeys(range(200, 210), 5))
            for number in range(labels)
        }
        block = Block(sequence=self.sent, second=second, labels=stats)
        self.sent += 1
        self.rows += 50 * labels
        return block


def begin(client: httpx.Client, workers: Sequence[Worker], seconds: float = 30) -> None:
    """All workers of a run ask for the common start until it is told, which waits for the last of them.

    Meanwhile the operator may not collect yet (503).
    """
    deadline = time.monotonic() + seconds
    while True:
        answers = [client.post(each.start_path, json={}, headers=each.headers) for each in workers]
        if all(answer.is_success and answer.json()["start_in_ms"] is not None for answer in answers):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{workers[0].run} does not start: {answers[0].text}")
        time.sleep(_PAUSE)
