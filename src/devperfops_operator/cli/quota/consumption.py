"""What a run's requests took of limits, from its JSON report."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from devperfops_operator.api.perfrun import ConsumptionStatus
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.consumed import consumed_of
from devperfops_operator.domain.quota.consumption import Consumed
from devperfops_operator.domain.report import SCHEMA


def taken_by(file: Path) -> Consumed:
    """Raises Trouble: it is no report."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Trouble(f"cannot read {file}: {error.strerror}.") from error
    except ValueError as error:
        raise Trouble(f"{file} is not JSON: {error}.") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise Trouble(f"{file} is no report ({SCHEMA}); write one: devperfops report RUN -o json.")
    if document.get("consumption") is None:
        return Consumed(gap=f"the run of {file.name} has not measured it")
    try:
        return consumed_of(ConsumptionStatus.from_json(document["consumption"]))
    except (ValidationError, InvalidSpec, ValueError) as error:
        told = " ".join(str(error).split())
        raise Trouble(f"{file}: consumption cannot be used: {told}; write the report again.") from error
