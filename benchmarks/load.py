"""Row 3: the operator with 200 live runs of four workers each, every one of which delivers each second."""

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

import httpx

from benchmarks.bench import NAMESPACE, Bench, names, opened
from benchmarks.figures import Row, percentile, processor_seconds, resident
from benchmarks.workers import Worker, begin
from hack.kube import wait_for

_WORKERS: Final = 4
_LABELS: Final = 5
_BAR: Final = 1024.0
_AT_ONCE: Final = 16  # runs that are being set up
_PATIENCE: Final = 300


def measure(runs: int, seconds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        bench.make_gates(0, runs)
        bench.adopted(runs)
        workers = _started(bench, names(runs))
        used, began = processor_seconds(bench.operator.pid), time.monotonic()
        answers, peak = asyncio.run(_deliver(bench, workers, seconds))
        lasted = time.monotonic() - began
        busy = (processor_seconds(bench.operator.pid) - used) / lasted
    planned, answered = len(workers) * seconds, len(answers)
    measured = (
        f"{peak:.0f} MiB, {busy:.0%} of a core; {answered:,} of {planned:,} pushes answered, "
        f"p95 {percentile(answers, 0.95) * 1000:.0f} ms"
    )
    what = f"{runs} live runs x {_WORKERS} workers, a push of {_LABELS} labels each second, {seconds} s"
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


async def _deliver(bench: Bench, workers: list[Worker], seconds: int) -> tuple[list[float], float]:
    answers: list[float] = []
    peak = 0.0
    limits = httpx.Limits(max_connections=len(workers), max_keepalive_connections=len(workers))
    async with httpx.AsyncClient(base_url=bench.url, timeout=30, limits=limits) as client:

        async def deliver(worker: Worker, offset: float) -> None:
            await asyncio.sleep(offset)
            due = time.monotonic()
            for _ in range(seconds):
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += 1
                began = time.monotonic()
                push = worker.push(labels=_LABELS, slow=False)
                response = await client.post(worker.blocks_path, json=push, headers=worker.headers)
                if response.is_success:
                    answers.append(time.monotonic() - began)

        async with asyncio.TaskGroup() as group:
            for number, worker in enumerate(workers):
                group.create_task(deliver(worker, number / len(workers)))
            for _ in range(seconds):
                await asyncio.sleep(1)
                peak = max(peak, resident(bench.operator.pid))
    return answers, peak
