"""How figures are taken and told."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclass(frozen=True)
class Row:
    """One figure beside its bar and, where one is known, a peer's."""

    what: str
    measured: str
    bar: str
    kept: bool
    peer: str = "-"


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def seconds(values: Sequence[float]) -> str:
    return f"p50 {percentile(values, 0.5):.2f} s, p95 {percentile(values, 0.95):.2f} s (n = {len(values)})"


def resident(pid: int) -> float:
    """MiB of a process now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / MIB


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def tell(title: str, rows: Sequence[Row]) -> bool:
    """Print a table; whether every bar is kept."""
    print(f"\n## {title}\n\nOn {os.cpu_count()} cores, {platform.system()} {platform.release()}.\n")
    print("| what | measured | bar | kept | peer |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.measured} | {row.bar} | {'yes' if row.kept else 'NO'} | {row.peer} |")
    return all(row.kept for row in rows)
