"""A gate in a file, as it would be, and what it plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from devperfops_operator.api.documents import UnreadableError, read
from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.resolved import with_resolved


def gate_spec(file: Path, name: str) -> PerfGateSpec:
    """Of the PerfGate of that name, or of the only one. Raises Trouble."""
    try:
        documents = read(str(file), file.read_text(encoding="utf-8"))
        gates = [each.content for each in documents if each.content.get("kind") == "PerfGate"]
    except (OSError, UnicodeDecodeError, UnreadableError) as error:
        raise Trouble(f"cannot read {file}: {error}.") from error
    named = [gate for gate in gates if (gate.get("metadata") or {}).get("name") == name]
    chosen = named or (gates if len(gates) == 1 else [])
    if not chosen:
        raise Trouble(f"{file} has no PerfGate {name}; write one, or name another file.")
    try:
        return PerfGateSpec.model_validate(chosen[0].get("spec"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Trouble(f"{file}: {field}: {first['msg']}; `devperfops lint {file}` says more.") from error


def load_plan(name: str, spec: PerfGateSpec, runs: Sequence[PerfRun]) -> RunPlan:
    """`runs`: of the gate, the newest first; what other documents gave the last of them is taken.

    Raises Trouble if the gate plays no load.
    """
    given = (run.status.resolved for run in runs if run.status.resolved is not None)
    try:
        return resolve_load(with_resolved(spec, next(given, None)))
    except InvalidSpec as error:
        raise Trouble(f"gate {name} cannot be replayed: {error}.") from error
