"""`get`'s tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.render.parts import table
from devperfops_operator.cli.render.standing import standing
from devperfops_operator.cli.render.words import NONE, Clock, outcome_text

_GATE_COLUMNS = (
    "NAMESPACE",
    "NAME",
    "TARGET",
    "PRIMARY",
    "STANDING",
    "LAST VERDICT",
    "KNOWN GOOD",
    "LAST RUN",
    "AGE",
)
_RUN_COLUMNS = ("NAMESPACE", "NAME", "GATE", "TRIGGER", "OUTCOME", "REASON", "REVISION", "AGE")


Row = tuple[str | Text, ...]
Cell = TypeVar("Cell", str, str | Text)


def gates_table(gates: Iterable[PerfGate], clock: Clock) -> Table:
    """A column for primaries only where a gate promotes to one."""
    rows, at = [_gate_row(gate, clock) for gate in gates], _GATE_COLUMNS.index("PRIMARY")
    if any(row[at] != NONE for row in rows):
        return _table(_GATE_COLUMNS, rows)
    return _table(_without(_GATE_COLUMNS, at), [_without(row, at) for row in rows])


def runs_table(runs: Iterable[PerfRun], clock: Clock) -> Table:
    return _table(_RUN_COLUMNS, [_run_row(run, clock) for run in runs])


def _table(columns: tuple[str, ...], rows: Sequence[Row]) -> Table:
    """The namespace is told only where there are several."""
    if len({row[0] for row in rows}) > 1:
        return table(columns, rows)
    return table(columns[1:], [row[1:] for row in rows])


def _without(row: tuple[Cell, ...], at: int) -> tuple[Cell, ...]:
    return row[:at] + row[at + 1 :]


def _gate_row(gate: PerfGate, clock: Clock) -> Row:
    word, style = standing(gate)
    return (
        gate.metadata.namespace,
        gate.metadata.name,
        f"{gate.spec.target_ref.kind}/{gate.spec.target_ref.name}",
        _primary(gate),
        Text(word, style=style),
        gate.status.last_verdict or NONE,
        gate.status.known_good or NONE,
        clock.age(gate.status.last_run_at),
        clock.age(gate.metadata.creation_timestamp),
    )


def _primary(gate: PerfGate) -> str:
    if gate.spec.promote_to is None:
        return NONE
    primary = gate.status.primary
    revision = primary.revision if primary is not None else None
    return f"{gate.spec.promote_to} ({revision or 'not promoted yet'})"


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
