"""`get`'s tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.render.parts import table
from devperfops_operator.cli.render.standing import standing
from devperfops_operator.cli.render.words import NONE, Clock, outcome_text

_GATE_COLUMNS = ("NAMESPACE", "NAME", "TARGET", "STANDING", "LAST VERDICT", "KNOWN GOOD", "LAST RUN", "AGE")
_RUN_COLUMNS = ("NAMESPACE", "NAME", "GATE", "TRIGGER", "OUTCOME", "REASON", "REVISION", "AGE")


Row = tuple[str | Text, ...]


def gates_table(gates: Iterable[PerfGate], clock: Clock) -> Table:
    return _table(_GATE_COLUMNS, [_gate_row(gate, clock) for gate in gates])


def runs_table(runs: Iterable[PerfRun], clock: Clock) -> Table:
    return _table(_RUN_COLUMNS, [_run_row(run, clock) for run in runs])


def _table(columns: tuple[str, ...], rows: Sequence[Row]) -> Table:
    """The namespace is told only where there are several."""
    if len({row[0] for row in rows}) > 1:
        return table(columns, rows)
    return table(columns[1:], [row[1:] for row in rows])


def _gate_row(gate: PerfGate, clock: Clock) -> Row:
    word, style = standing(gate)
    return (
        gate.metadata.namespace,
        gate.metadata.name,
        f"{gate.spec.target_ref.kind}/{gate.spec.target_ref.name}",
        Text(word, style=style),
        gate.status.last_verdict or NONE,
        gate.status.known_good or NONE,
        clock.age(gate.status.last_run_at),
        clock.age(gate.metadata.creation_timestamp),
    )


def _run_row(run: PerfRun, clock: Clock) -> Row:
    return (
        run.metadata.namespace,
        run.metadata.name,
        run.spec.gate,
        run.status.trigger or NONE,
        outcome_text(run),
        run.status.reason or NONE,
        run.status.revision or NONE,
        clock.age(run.metadata.creation_timestamp),
    )
