"""The results folder that JMeter and the agent share."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from devperfops_operator.wire.kept_plan import KeptPlan


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    path: Path

    @property
    def jtl(self) -> Path:
        return self.path / "run.jtl"

    @property
    def jmeter_log(self) -> Path:
        return self.path / "jmeter.log"

    @property
    def _stop(self) -> Path:
        return self.path / "stop.json"

    @property
    def stop_ms(self) -> int | None:
        """When the agent first stopped JMeter, Unix time in milliseconds; None: it has not."""
        try:
            return int(json.loads(self._stop.read_bytes())["stopped_at_ms"])
        except FileNotFoundError:
            return None

    def record_stop(self, moment_ms: int) -> int:
        """Record our stop; returns the moment recorded, which is the first one's. Blocks depend on it.

        Raises OSError if it cannot be written.
        """
        part = self._written(self._stop, json.dumps({"stopped_at_ms": moment_ms}))
        try:
            os.link(part, self._stop)  # unlike a rename, it does not replace
        except FileExistsError:
            recorded = self.stop_ms
            return moment_ms if recorded is None else recorded
        finally:
            part.unlink()
        return moment_ms

    def write_properties(self, text: str) -> None:
        """Write JMeter's `worker.properties`, whole or not at all."""
        target = self.path / "worker.properties"
        self._written(target, text).replace(target)

    def write_plan(self, plan: KeptPlan) -> None:
        """Note what JMeter is about to play."""
        self._written(self._plan, json.dumps(plan.to_json())).replace(self._plan)

    @property
    def plan(self) -> KeptPlan | None:
        """What JMeter plays; None: nobody noted it."""
        try:
            return KeptPlan.from_json(json.loads(self._plan.read_bytes()))
        except (OSError, ValueError):
            return None

    @property
    def _plan(self) -> Path:
        return self.path / "plan.json"

    @staticmethod
    def _written(target: Path, text: str) -> Path:
        part = target.with_name(f".{target.name}.part")
        part.write_text(text, encoding="ascii")
        return part
