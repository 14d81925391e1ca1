"""`devperfops quota check` on two files of so many limits: the rules alone, and the whole command."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Row, percentile, seconds
from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.entry import Entry, Peak, Reading
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import parse_unit

_REGIONS: Final = ("", "eu", "us", "asia", "africa")
_BAR_SECONDS: Final = 1.0
_REPETITIONS: Final = 20
_UNIT: Final = "1/min/{project}"


def measure(limits: int) -> list[Row]:
    """`limits`: of each environment; every tenth is a regression, every tenth has a peak."""
    baseline, serving = _reading("load-test", limits, 100), _reading("production", limits, 99)
    peaks = [Peak(e.service, e.metric, e.unit, Fraction(50), e.dimensions) for e in baseline.entries[::10]]
    pair = _checked(Observed(baseline, serving, peaks))
    all_rules = _checked(Observed(baseline, serving, peaks, approved=serving))
    slow = percentile(pair, 0.95)
    compared = f"{limits:,} limits x 2 environments, processor time"
    return [
        Row(f"rules 1 and 2, {compared}", seconds(pair), f"<= {_BAR_SECONDS:g} s", slow <= _BAR_SECONDS),
        Row(f"and a snapshot of {limits:,}", seconds(all_rules), "-", kept=True),
        Row(f"the whole command on two files of {limits:,}", f"{_command(limits):.1f} s", "-", kept=True),
    ]


def _checked(observed: Observed) -> list[float]:
    """Seconds of a processor, of each repetition."""
    took = []
    for _ in range(_REPETITIONS):
        began = time.process_time()
        check(Terms(), observed, datetime.now(UTC))
        took.append(time.process_time() - began)
    return took


def _reading(name: str, limits: int, tenth: int) -> Reading:
    """Every tenth limit is `tenth`, the others are 100."""
    unit = parse_unit(_UNIT)
    return Reading(
        name,
        [
            Entry(
                "file",
                f"service-{at % 100}",
                f"metric-{at // len(_REGIONS)}",
                unit,
                Fraction(100 if at % 10 else tenth),
                dimensions=(("region", region),) if region else (),
            )
            for at in range(limits)
            for region in (_REGIONS[at % len(_REGIONS)],)
        ],
    )


def _command(limits: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        policy: dict[str, Any] = {"mode": "Warn"}
        for role, tenth in (("baseline", 100), ("serving", 99)):
            file = Path(folder) / f"{role}.json"
            entries = [_declared(entry) for entry in _reading(role, limits, tenth).entries]
            file.write_text(_document("QuotaLimits", {"limits": entries}))
            policy[role] = {"name": role, "file": file.name}
        asked = Path(folder) / "policy.json"
        asked.write_text(_document("QuotaPolicy", policy))
        command = [
            sys.executable,
            "-m",
            "devperfops_operator.cli",
            "quota",
            "check",
            "-o",
            "json",
            "-f",
            str(asked),
        ]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def _declared(entry: Entry) -> dict[str, Any]:
    return {
        "service": entry.service,
        "metric": entry.metric,
        "unit": _UNIT,
        "dimensions": dict(entry.dimensions),
        "limit": str(entry.limit),
    }


def _document(kind: str, spec: Any) -> str:
    return json.dumps(
        {"apiVersion": "devperfops.io/v1alpha1", "kind": kind, "metadata": {"name": "bench"}, "spec": spec}
    )
