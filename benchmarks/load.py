"""Row 3: the operator with 200 live runs of four workers each, all of which deliver as soon as they can."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import aiohttp
import httpx

from benchmarks.bench import NAMESPACE, Bench, names, opened
from benchmarks.figures import Row, percentile, processor_seconds, resident
from benchmarks.workers import Worker, begin
from hack.kube import wait_for

_WORKERS: Final = 4
_LABELS: Final = 5
_RATE: Final = 50 * _LABELS
_BAR: Final = 1024.0
_AT_ONCE: Final = 16  # runs that are being set up
_PATIENCE: Final = 300
_ANSWER: Final = 30.0


def measure(runs: int, seconds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        bench.make_gates(0, runs)
        bench.adopted(runs)
        workers = _started(bench, names(runs))
        used, began = processor_seconds(bench.operator.pid), time.monotonic()
        lags, peak = asyncio.run(_deliver(bench, workers, seconds))
        lasted = time.monotonic() - began
        busy = (processor_seconds(bench.operator.pid) - used) / lasted
    measured = (
        f"{peak:.0f} MiB, {busy:.0%} of a core; each of {len(lags):,} seconds taken in, "
        f"p50 {percentile(lags, 0.5):.2f} s and p95 {percentile(lags, 0.95):.2f} s after its end"
    )
    what = f"{runs} live runs x {_WORKERS} workers, each {_RATE} samples/s of {_LABELS} labels, {seconds} s"
    return [Row(what, measured, f"<= {_BAR:.0f} MiB", peak <= _BAR, "Argo Rollouts: about 1 MB each")]


def _started(bench: Bench, gates: Sequence[str]) -> list[Worker]:
    with ThreadPoolExecutor(_AT_ONCE) as pool, httpx.Client(base_url=bench.url, timeout=60) as client:
        list(pool.map(partial(_release, bench), gates))
        wait_for(f"{len(gates)} runs", lambda: len(bench.live_runs()) >= len(gates), seconds=_PATIENCE)
        return list(chain.from_iterable(pool.map(partial(_begun, bench, client), bench.live_runs())))


def _release(bench: Bench, gate: str) -> None:
    path = f"/apis/devperfops.io/v1alpha1/namespaces/{NAMESPACE}/perfgates/{gate}"
    patch = {"Content-Type": "application/merge-patch+json"}
    bench.ask("PATCH", path, {"spec": {"load": {"workers": _WORKERS}}}, **patch)
    bench.release(gate, "app:2")
    bench.roll_out(gate)


def _begun(bench: Bench, client: httpx.Client, run: str) -> list[Worker]:
    uid = bench.run(run)["metadata"]["uid"]
    workers = [Worker(run, uid, index, bench.worker_token(run, index)) for index in range(_WORKERS)]
    begin(client, workers, _PATIENCE)
    return workers


async def _deliver(bench: Bench, workers: Sequence[Worker], seconds: int) -> tuple[list[float], float]:
    """For each second of each worker how long it was after its end that the operator had it; and the peak."""
    lags: list[float] = []
    peak = 0.0
    connections = aiohttp.TCPConnector(limit=len(workers))
    patience = aiohttp.ClientTimeout(total=_ANSWER)
    async with aiohttp.ClientSession(bench.url, connector=connections, timeout=patience) as client:

        async def deliver(worker: Worker, begin: float) -> None:
            """As an agent does: one push at a time, of all seconds since the last."""
            sent = 0
            while sent < seconds:
                await asyncio.sleep(max(0.0, begin + sent + 1 - time.monotonic()))
                ready = min(seconds, int(time.monotonic() - begin))
                push = worker.push(labels=_LABELS, slow=False, blocks=ready - sent)
                async with client.post(worker.blocks_path, json=push, headers=worker.headers) as response:
                    response.raise_for_status()
                    await response.read()
                lags.extend(time.monotonic() - begin - second - 1 for second in range(sent, ready))
                sent = ready

        async with asyncio.TaskGroup() as group:
            for number, worker in enumerate(workers):
                group.create_task(deliver(worker, time.monotonic() + number / len(workers)))
            for _ in range(seconds):
                await asyncio.sleep(1)
                peak = max(peak, resident(bench.operator.pid))
    return lags, peak
