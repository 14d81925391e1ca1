"""Row 4: the agent at 1,000 and 20,000 rows a second and as fast as it goes, beside a plain reader."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from benchmarks.figures import Row, processor_seconds, resident
from tests.unit.agent.played import BEGIN, PlayedOperator, Worker, brief
from tests.unit.wire.jtl_text import jtl, line, row

_LABELS: Final = 20
_MEMORY_BAR, _SHARE_BAR, _RATE_BAR = 40.0, 0.05, 20_000
_PIECES: Final = 10  # of a second

_PEER: Final = """
import csv, json, sys, time, httpx
began, rows, sums = time.perf_counter(), 0, {}
with open(sys.argv[1], newline="") as file, httpx.Client() as client:
    for row in csv.DictReader(file):
        rows += 1
        sums[row["label"]] = sums.get(row["label"], 0) + int(row["elapsed"])
took = time.perf_counter() - began
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([rows, took, int(peak) / 1024]))
"""


def measure(seconds: int) -> list[Row]:
    slow = asyncio.run(_at_rate(1_000, seconds))
    fast = asyncio.run(_at_rate(_RATE_BAR, min(seconds, 30)))
    rows, flat_out, memory = asyncio.run(_flat_out(600_000))
    peer_rate, peer_memory = _peer(rows)
    return [
        Row(
            f"agent at 1,000 rows/s, {_LABELS} labels, {seconds} s",
            f"{slow.memory:.1f} MiB, {slow.share:.1%} of a core",
            f"<= {_MEMORY_BAR:.0f} MiB, <= {_SHARE_BAR:.0%} of a core",
            slow.memory <= _MEMORY_BAR and slow.share <= _SHARE_BAR,
            f"csv + httpx, a plain reader: {peer_memory:.1f} MiB",
        ),
        Row(
            f"agent at {_RATE_BAR:,} rows/s, {min(seconds, 30)} s",
            f"{fast.memory:.1f} MiB, {fast.share:.1%} of a core, {fast.lag:.1f} s behind at the end",
            "keeps up: <= 2 s behind",
            fast.lag <= 2,  # noqa: PLR2004
        ),
        Row(
            "highest rate, a file that is there already",
            f"{flat_out:,.0f} rows/s, {memory:.1f} MiB",
            f">= {_RATE_BAR:,} rows/s",
            flat_out >= _RATE_BAR,
            f"the plain reader: {peer_rate:,.0f} rows/s (ratio {flat_out / peer_rate:.2f})",
        ),
    ]


class Figures:
    """Of one agent: largest memory in MiB, share of a core, seconds behind at the end."""

    memory = 0.0
    share = 0.0
    lag = 0.0


async def _at_rate(rate: int, seconds: int) -> Figures:
    figures = Figures()
    async with _running() as (operator, worker, pid):
        piece = rate // _PIECES
        worker.write(jtl())
        began, used = time.monotonic(), processor_seconds(pid)
        for number in range(seconds * _PIECES):
            at = number * 1000 // _PIECES
            worker.write(_rows(at, piece))
            await asyncio.sleep(max(0.0, began + (number + 1) / _PIECES - time.monotonic()))
            figures.memory = max(figures.memory, resident(pid))
        figures.share = (processor_seconds(pid) - used) / (time.monotonic() - began)
        written = time.monotonic()
        await operator.until(
            lambda: operator.heartbeat is not None and operator.heartbeat.rows >= rate * seconds
        )
        figures.lag = time.monotonic() - written
    return figures


async def _flat_out(count: int) -> tuple[bytes, float, float]:
    """The JTL, rows a second from when it is there to when all of it is told, MiB."""
    text = jtl() + b"".join(_rows(at, 1_000) for at in range(0, count, 1_000))
    async with _running() as (operator, worker, pid):
        worker.write(text)
        began, memory = time.monotonic(), 0.0
        while operator.heartbeat is None or operator.heartbeat.rows < count:
            memory = max(memory, resident(pid))
            await asyncio.sleep(0.05)
        return text, count / (time.monotonic() - began), memory


@asynccontextmanager
async def _running() -> AsyncIterator[tuple[PlayedOperator, Worker, int]]:
    """An operator that takes everything, a JMeter whose test runs, and the agent's pid."""
    operator = PlayedOperator()
    await operator.come()
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder), brief(operator.url))
        worker.results.mkdir()
        worker.token.write_text("sesame")
        worker.log(BEGIN)
        process = await worker.run("tail")
        try:
            await operator.until(lambda: operator.pushes > 0)
            yield operator, worker, process.pid
        finally:
            await worker.close()
            await operator.go_away()


def _rows(at: int, count: int) -> bytes:
    return b"".join(
        line(row(at, elapsed=5 + number % 90, label=f"GET /path/{number % _LABELS}"))
        for number in range(count)
    )


def _peer(text: bytes) -> tuple[float, float]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-c", _PEER, file.name], check=True, capture_output=True, text=True
        )
    rows, took, memory = map(float, done.stdout.strip("[]\n ").split(","))
    return rows / took, memory
