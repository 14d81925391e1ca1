"""A real server that plays the operator's part, and a real agent as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from devperfops_operator.wire.brief import INDEX_VARIABLE, VARIABLE, Brief, Inputs, Threshold
from devperfops_operator.wire.measurement import (
    RUN_UID_HEADER,
    Block,
    Final,
    Heartbeat,
    Push,
    Reply,
    StartReply,
    blocks_path,
    start_path,
)

PATIENCE_S = 30.0
NAMESPACE, RUN, PLAN = "shop", "front-end-1", "scenario.jmx"
BEGIN = "2026-11-23 14:26:31,621 INFO o.a.j.e.StandardJMeterEngine: Running the test!\n"
END = "2026-11-23 14:26:56,845 INFO o.a.j.e.StandardJMeterEngine: Notifying test listeners of end of test\n"
RAN_MS = 25_224  # from the one to the other


class PlayedOperator:
    """Keeps the blocks it gets, and checks that one sent again is the same."""

    def __init__(self, token: str = "sesame") -> None:
        self.token = token
        self.blocks: list[Block] = []
        self.again = 0  # blocks sent again
        self.heartbeat: Heartbeat | None = None
        self.final: Final | None = None
        self.finals = 0
        self.acknowledges_after = 1
        self.stop = False
        self.start_in_ms: int | None = None
        self.run_uids: set[str | None] = set()
        self.status = 200
        self.refused = 0
        self.pushes = 0
        self.starts = 0
        self.port = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def come(self) -> None:
        """Listen; always at the same port."""
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post(blocks_path(NAMESPACE, RUN, 0), self._take)
        app.router.add_post(blocks_path(NAMESPACE, RUN, 1), self._take)
        app.router.add_post(start_path(NAMESPACE, RUN, 0), self._start)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def go_away(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def forget(self) -> None:
        """What a restart does to the real one."""
        self.blocks = []
        self.final = None

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(condition)

    async def _answer(self, request: web.Request, answer: Callable[[Any], Any]) -> web.Response:
        async with self._changed:
            self._changed.notify_all()  # they look when this request is answered
            self.run_uids.add(request.headers.get(RUN_UID_HEADER))
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                self.refused += 1
                return web.json_response({"message": "bad token"}, status=401)
            if self.status != 200:
                self.refused += 1
                return web.json_response({"message": "no"}, status=self.status)
            return web.json_response(answer(await request.json()).to_json())

    async def _start(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._told)

    async def _take(self, request: web.Request) -> web.Response:
        return await self._answer(request, lambda body: self._taken(Push.from_json(body)))

    def _told(self, _: object) -> StartReply:
        self.starts += 1
        return StartReply(self.start_in_ms)

    def _taken(self, push: Push) -> Reply:
        self.pushes += 1
        self.heartbeat = push.heartbeat
        for block in push.blocks:
            if block.sequence == len(self.blocks):
                self.blocks.append(block)
            elif block.sequence < len(self.blocks):
                self.again += 1
                assert self.blocks[block.sequence] == block
        if push.final is not None:
            self.final = push.final
            self.finals += 1
        return Reply(
            len(self.blocks), self.stop, self.final is not None and self.finals >= self.acknowledges_after
        )


@dataclass
class Worker:
    """What a worker's pod gives its agent."""

    folder: Path
    brief: Brief
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def token(self) -> Path:
        return self.folder / "token"

    @property
    def message(self) -> Path:
        """The container's termination message."""
        return self.folder / "message"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    async def run(self, command: str, **environment: str) -> asyncio.subprocess.Process:
        with (self.folder / "agent.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "devperfops_operator.agent", command),
                *("--root", str(self.folder), "--token", str(self.token), "--message", str(self.message)),
                env={**os.environ, VARIABLE: self.brief.to_json(), INDEX_VARIABLE: "0", **environment},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    @property
    def said(self) -> str:
        return (self.folder / "agent.log").read_text()

    def give(self, folder: str, name: str, content: bytes) -> None:
        """Put a file where the pod has it mounted."""
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def write(self, rows: bytes) -> None:
        """JMeter appends to its results."""
        with (self.results / "run.jtl").open("ab") as jtl:
            jtl.write(rows)

    def log(self, text: str) -> None:
        with (self.results / "jmeter.log").open("a") as log:
            log.write(text)

    async def close(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(PATIENCE_S):
        return await process.wait()


async def terminated(process: asyncio.subprocess.Process) -> int:
    """What the kubelet does when JMeter has ended."""
    process.send_signal(signal.SIGTERM)
    return await ended(process)


def brief(url: str, **properties: str) -> Brief:
    return Brief(
        namespace=NAMESPACE,
        run=RUN,
        run_uid="11aa",
        operator_url=url,
        ramp_up_ms=1_000,
        duration_ms=60_000,
        thresholds=(Threshold(500, inclusive=True), Threshold(2_000, inclusive=True)),
        properties=properties,
        shares=({}, {}),
        transactions=("GET /0", "checkout"),
        inputs=Inputs(plan=PLAN, plan_source="ConfigMap scenario", reads=("NumOfThreads",)),
    )
