"""Row 1: how soon a change has its Job, and a certain verdict its patch, with 10, 100 and 1,000 gates."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from benchmarks.bench import NAMESPACE, Bench, Watch, names, opened
from benchmarks.figures import Row, percentile, seconds
from benchmarks.workers import Worker, begin

_BAR: Final = 1.0
_JOB_PEER: Final = "Flagger 1.44 at 10 s, recorded: 11 / 20 / 32 s with 10 / 50 / 100"
_PATCH_PEER: Final = "Flagger 1.44 at 10 s, recorded: 10 / 12 / 12 s"


def measure(sizes: Sequence[int], repetitions: int) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        there = 0
        for size in sizes:
            bench.make_gates(there, size)
            bench.adopted(size)
            rows += _with(bench, size, repetitions)
            there = size
    return rows


def _with(bench: Bench, size: int, repetitions: int) -> list[Row]:
    jobs = Watch(bench, f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs", lambda _: True)
    restored: dict[str, str] = {}
    deployments = Watch(
        bench,
        f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
        lambda it: it["metadata"]["name"] in restored and _image(it) == restored[it["metadata"]["name"]],
    )
    to_job, to_patch = [], []
    for number in range(repetitions):
        gate = names(size)[-1 - number % size]
        deployments.seen.pop(gate, None)
        known_good = _image(bench.ask("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{gate}"))
        bench.release(gate, f"app:{size}-{number}-{time.time_ns()}")
        began = time.monotonic()
        bench.roll_out(gate)
        run = _new_run(bench, gate)
        to_job.append(jobs.wait(run) - began)
        restored[gate] = known_good
        to_patch.append(_fail(bench, run, gate, deployments))
        bench.roll_out(gate)
        del restored[gate]
    with_gates = f"with {size:,} gates"
    return [
        _row(f"change seen → Job exists, {with_gates}", to_job, _JOB_PEER),
        _row(f"verdict certain → patch applied, {with_gates}", to_patch, _PATCH_PEER),
    ]


def _new_run(bench: Bench, gate: str) -> str:
    """The gate's run that has not ended, as soon as there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if live := bench.live_runs(f"devperfops.io/gate={gate}"):
            return live[0]
        time.sleep(0.02)
    raise RuntimeError(f"{gate} has no run")


def _fail(bench: Bench, run: str, gate: str, deployments: Watch) -> float:
    """Play a worker of a slow release; from the answer to the blocks that make it certain to the patch."""
    worker = Worker(run, bench.run(run)["metadata"]["uid"], 0, bench.worker_token(run, 0))
    with httpx.Client(base_url=bench.url, timeout=30) as client:
        begin(client, [worker])
        slow = worker.push(labels=1, slow=True, blocks=8)
        client.post(worker.blocks_path, json=slow, headers=worker.headers).raise_for_status()
        certain = time.monotonic()
        patched = deployments.wait(gate) - certain
        final = {
            "blocks": worker.sent,
            "rows": worker.rows,
            "errors": 0,
            "end": "Stopped",
            "truncated": False,
        }
        last = {**worker.push(labels=1, slow=True, blocks=0), "final": final}
        while (
            not client.post(worker.blocks_path, json=last, headers=worker.headers)
            .json()
            .get("final_acknowledged")
        ):
            time.sleep(0.05)
    return max(patched, 0.0)


def _image(deployment: dict[str, object]) -> str:
    spec: object = deployment["spec"]
    return str(spec["template"]["spec"]["containers"][0]["image"])  # type: ignore[index]


def _row(what: str, values: list[float], peer: str) -> Row:
    return Row(what, seconds(values), f"p95 <= {_BAR:.0f} s", percentile(values, 0.95) <= _BAR, peer)
