"""Row 2: what the operator asks of the API server while nothing happens, counted by the API server."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import opened
from benchmarks.figures import Row, processor_seconds, resident

_QUIET: Final = 90.0
_PEER: Final = "Flagger 1.44 at 10 s, recorded: 3,240; at 60 s 540"
_MEMORY_BAR: Final = 150.0


def measure(gates: int, minutes: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        bench.make_gates(0, gates)
        bench.adopted(gates)
        time.sleep(_QUIET)  # what adoption has set going comes to rest
        began, used = time.time(), processor_seconds(bench.operator.pid)
        time.sleep(minutes * 60)
        lasted = time.time() - began
        busy = (processor_seconds(bench.operator.pid) - used) / lasted
        counts = Counter(map(_kind, bench.requests_since(began)))
        memory = resident(bench.operator.pid)
    others = sum(count for kind, count in counts.items() if kind not in {"watch", "lease"})
    hourly = others / gates * 3600 / lasted
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"
    span = f"{gates:,} gates, {minutes:g} min"
    return [
        Row(
            f"requests at rest, {span}",
            f"{told}: {hourly:.2f} per gate and hour beside watches and Lease",
            "0",
            others == 0,
            _PEER,
        ),
        Row(
            f"operator at rest, {gates:,} gates",
            f"{memory:.0f} MiB, {busy:.1%} of a core",
            f"<= {_MEMORY_BAR:.0f} MiB",
            memory <= _MEMORY_BAR,
            "Flagger 1.44, recorded: 72 MiB and 0.09 core with 100 canaries",
        ),
    ]


def _kind(event: dict[str, Any]) -> str:
    about = event.get("objectRef", {})
    if event["verb"] == "watch":
        return "watch"
    if about.get("resource") == "leases":
        return "lease"
    return f"{event['verb']} {about.get('resource', event['requestURI'])}"
