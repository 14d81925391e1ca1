"""A played load pod: what an agent sends to the operator, second by second, without JMeter."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from devperfops_operator.wire.measurement import (
    Block,
    Final,
    Heartbeat,
    JMeterState,
    LabelStats,
    LoadEnd,
    Push,
    blocks_path,
    start_path,
)
from hack.kube import wait_for

_A_SECOND = 1_000
ROWS = 20


@dataclass
class PlayedAgent:
    """The one worker of a run. What could not be delivered it offers again, as the real one does."""

    client: httpx.Client
    namespace: str
    run: str
    headers: dict[str, str]
    blocks: list[Block] = field(default_factory=list)
    began_ms: int = 0

    def start(self, seconds: float = 60) -> None:
        """Until the common start is told."""
        path = start_path(self.namespace, self.run, 0)
        wait_for("the start", lambda: self._post(path, {}).get("start_in_ms") is not None, seconds=seconds)
        self.began_ms = int(time.time() * _A_SECOND)

    def play(self, seconds: int) -> None:
        """So much load, in real time: each second has ROWS quick answers, and is offered as it ends."""
        for _ in range(seconds):
            time.sleep(1)
            stats = LabelStats(ROWS, 0, [0], [0], {50: ROWS})
            second = int(time.time()) - 1
            self.blocks.append(Block(sequence=len(self.blocks), second=second, labels={"GET /": stats}))
            self._push(JMeterState.RUNNING)

    def finish(self, seconds: float = 120) -> None:
        """Until the last counts are taken in."""
        final = Final(len(self.blocks), self._rows, 0, LoadEnd.COMPLETED, truncated=False)
        wait_for(
            "its last counts are stored",
            lambda: self._push(JMeterState.ENDED, final).get("final_acknowledged"),
            seconds=seconds,
        )

    @property
    def _rows(self) -> int:
        return ROWS * len(self.blocks)

    def _push(self, state: JMeterState, final: Final | None = None) -> dict[str, Any]:
        ended = int(time.time() * _A_SECOND)
        push = Push(tuple(self.blocks), Heartbeat(state, self._rows, self.began_ms, ended), final)
        return self._post(blocks_path(self.namespace, self.run, 0), push.to_json())

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer; nothing: there is none now."""
        try:
            response = self.client.post(path, json=body, headers=self.headers)
        except httpx.TransportError:
            return {}
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return {}
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer
