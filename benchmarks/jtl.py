"""`devperfops jtl` beside `jmeter -g`, on one file in one run, and both beside the exact values."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Row, resident
from hack import jmeter

_SPEED_BAR, _MEMORY_BAR = 25.0, 1024.0
_REQUESTS: Final = [f"GET /catalogue/{number}" for number in range(20)]
_TRANSACTION: Final = "checkout"
_NAMES: Final = [*_REQUESTS, _TRANSACTION]
_TOTAL: Final = "Total"
_RUNNING_MEAN: Final = 1e-9
"""JMeter adds to its mean with each sample: its last digits are rounding."""
_LONGEST: Final = 1 << 15  # ms
_BLOCK: Final = 100_000
_BEGAN: Final = 1_795_443_992_000
_PERCENTILES: Final = (50, 90, 95, 99)
_HEADER: Final = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,"
    "sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
)
_ANSWERS: Final = (
    ("200,OK", "true,"),
    ("503,Service Unavailable", "false,"),
    ("200,OK", 'false,"expected ""price"", found nothing"'),
)
_SUMMED_UP: Final = '200,"Number of samples in transaction : 3, number of failing samples : 0"'

Counts = NDArray[np.int64]
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Found:
    """Seconds, the most MiB that all processes had at a time, and the figures by label."""

    seconds: float
    memory: float
    by_label: Mapping[str, Figures]


def measure(rows: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name), Path(name) / "run.jtl"
        exact = _exact(_write(file, rows))
        size = file.stat().st_size / 1e9
        ours = _ours(file)
        theirs = _jmeters(file, folder)
    ratio = theirs.seconds / ours.seconds
    unequal = _unequal(exact, ours, exact[_TOTAL])
    percentiles = [f"p{percent}" for percent in _PERCENTILES]
    others = [name for name in exact[_TOTAL] if name not in percentiles and name != "apdex"]
    differing = _unequal(exact, theirs, others, _RUNNING_MEAN)
    wrong = _unequal(exact, theirs, percentiles)
    total = ", ".join(
        f"{name} {theirs.by_label[_TOTAL][name]:,.0f} for {exact[_TOTAL][name]:,.0f} ms"
        for name in percentiles
    )
    every = f"{len(exact)} x {len(exact[_TOTAL])} figures"
    return [
        Row(
            f"summing up {rows:,} rows, {size:.2f} GB",
            f"{ours.seconds:.1f} s, {rows / ours.seconds / 1e6:.1f} M rows/s: {ratio:.0f} times as fast",
            f">= {_SPEED_BAR:.0f} times `jmeter -g` in the same run",
            ratio >= _SPEED_BAR,
            f"jmeter -g: {theirs.seconds:.0f} s",
        ),
        Row(
            "memory of all its processes",
            f"{ours.memory:.0f} MiB",
            f"<= {_MEMORY_BAR:.0f} MiB",
            ours.memory <= _MEMORY_BAR,
            f"jmeter -g: {theirs.memory:.0f} MiB",
        ),
        Row(
            "equal to the values of all rows",
            f"all of {every}" if not unequal else f"unequal: {', '.join(unequal[:5])}",
            "all, to the last digit",
            not unequal,
            f"jmeter -g: {len(wrong)} of {len(exact) * len(percentiles)} percentiles wrong "
            f"({_TOTAL}: {total}); of its other figures {len(differing)} differ",
        ),
    ]


def _write(file: Path, rows: int) -> Counts:
    """A deterministic test whose service is slow in its first third; counts by label, outcome and ms."""
    lot = np.random.default_rng(1)
    counts = np.zeros((len(_NAMES), len(_ANSWERS), _LONGEST), np.int64)
    with file.open("w") as out:
        out.write(_HEADER)
        for at in range(0, rows, _BLOCK):
            number = min(_BLOCK, rows - at)
            slow = 3 if at < rows / 3 else 1
            elapsed = np.minimum(np.exp(lot.normal(4.5, 0.8, number)) * slow, _LONGEST - 1).astype(np.int64)
            label = lot.choice(len(_NAMES), number)
            outcome = np.where(label < len(_REQUESTS), lot.choice(3, number, p=(0.985, 0.01, 0.005)), 0)
            np.add.at(counts, (label, outcome, elapsed), 1)
            out.writelines(_lines(at, elapsed, label, outcome))
    return counts


def _lines(at: int, elapsed: Counts, label: Counts, outcome: Counts) -> Iterator[str]:
    each = zip(range(at, at + len(elapsed)), elapsed.tolist(), label.tolist(), outcome.tolist(), strict=True)
    for number, took, which, how in each:
        code, end = _ANSWERS[how]
        request = which < len(_REQUESTS)
        url = f"http://front-end.shop.svc:8080/catalogue/{which}" if request else "null"
        yield (
            f"{_BEGAN + number // 3},{took},{_NAMES[which]},{code if request else _SUMMED_UP},"
            f"Visitors 1-{number % 50},text,{end},{300 + took},{120 + which},50,50,{url},"
            f"{took},0,{took // 9}\n"
        )


def _exact(counts: Counts) -> dict[str, Figures]:
    """From how the file was made, not from reading it."""
    found = {name: _figures(counts[at]) for at, name in enumerate(_NAMES)}
    return found | {_TOTAL: _figures(counts[: len(_REQUESTS)].sum(axis=0))}


def _figures(counts: Counts) -> Figures:
    times = counts.sum(axis=0)
    values, seen, number = np.flatnonzero(times), np.cumsum(times), int(times.sum())
    good = counts[0]
    return {
        "samples": number,
        "errors": number - int(good.sum()),
        "min": int(values[0]),
        "max": int(values[-1]),
        "mean": int((np.arange(_LONGEST) * times).sum()) / number,
        **{f"p{each}": int(np.searchsorted(seen, math.ceil(each * number / 100))) for each in _PERCENTILES},
        "apdex": (int(good[:501].sum()) + int(good[:1501].sum())) / 2 / number,
    }


def _unequal(
    exact: Mapping[str, Figures], found: Found, names: Iterable[str], tolerance: float = 0
) -> list[str]:
    return [
        f"{label} {name}"
        for label, figures in exact.items()
        for name in names
        if not math.isclose(figures[name], found.by_label[label][name], rel_tol=tolerance)
    ]


def _ours(file: Path) -> Found:
    command = [sys.executable, "-m", "devperfops_operator.cli", "jtl", str(file), "--json"]
    seconds, memory, text = _timed(command, file.parent)
    document = json.loads(text)
    named = {each["name"]: each for each in document["transactions"]} | {_TOTAL: document["total"]}
    keys = {f"{key}Ms": key for key in ("min", "max", "mean", *(f"p{each}" for each in _PERCENTILES))}
    found = {
        name: {keys.get(key, key): value for key, value in figures.items()} for name, figures in named.items()
    }
    return Found(seconds, memory, found)


def _jmeters(file: Path, folder: Path) -> Found:
    """With the heap of its own start script."""
    jar = jmeter.jar(jmeter.ensure())
    report = folder / "report"
    command = ["java", "-Xms1g", "-Xmx1g", "-jar", str(jar), "-g", str(file), "-o", str(report)]
    seconds, memory, _ = _timed(command, folder)
    statistics = json.loads((report / "statistics.json").read_text())
    keys = {
        "sampleCount": "samples",
        "errorCount": "errors",
        "minResTime": "min",
        "maxResTime": "max",
        "meanResTime": "mean",
        "medianResTime": "p50",
        "pct1ResTime": "p90",
        "pct2ResTime": "p95",
        "pct3ResTime": "p99",
    }
    found = {
        name: {ours: figures[theirs] for theirs, ours in keys.items()} for name, figures in statistics.items()
    }
    return Found(seconds, memory, found)


def _timed(command: Sequence[str], folder: Path) -> tuple[float, float, bytes]:
    """Seconds, the most MiB of the process and its children together, and what it printed."""
    began, peak = time.monotonic(), 0.0
    with (folder / "out").open("w+b") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out)
        while process.poll() is None:
            peak = max(peak, sum(_memory(pid) for pid in _family(process.pid)))
            time.sleep(0.05)
        lasted = time.monotonic() - began
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        out.seek(0)
        return lasted, peak, out.read()


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _family(int(child))


def _memory(pid: int) -> float:
    with suppress(OSError):
        return resident(pid)
    return 0.0
