"""What a document gives: what is played, with whose ids, and what is not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.cli.render.parts import heading, indented, table
from devperfops_operator.cli.render.words import NONE, counted, plain
from devperfops_operator.cli.scenario.check import Answer
from devperfops_operator.scenario.plan import Plan, Step


def plan_screen(plan: Plan) -> Group:
    """In the order in which it is played."""
    return Group(*_blocks(plan))


def plan_json(plan: Plan) -> dict[str, Any]:
    """Schema devperfops.io/scenario/v1."""
    return {
        "schema": "devperfops.io/scenario/v1",
        "title": plan.title,
        "played": [
            {
                "operation": step.name,
                "ids": dict(step.origins),
                "keeps": [each.variable for each in step.extracts],
                "successCodes": list(step.codes),
                "notes": list(step.notes),
            }
            for step in plan.steps
        ],
        "leftOut": [{"operation": each.key, "reason": each.reason} for each in plan.skipped],
        "secrets": list(plan.secrets),
        "columns": list(plan.columns),
    }


def check_screen(answers: Sequence[Answer]) -> Group:
    """What answered what."""
    good = sum(each.good for each in answers)
    return Group(
        table(("OPERATION", "ANSWER", "MS", ""), map(_answer_row, answers), right=("MS",)),
        Text(),
        Text(f"{good} of {counted(len(answers), 'operation')} answered as documented"),
    )


def _blocks(plan: Plan) -> Iterator[RenderableType]:
    yield Text(plain(plan.title), style="bold")
    if plan.steps:
        yield heading("Played, in this order")
        yield indented(table(("OPERATION", "IDS FROM", "KEEPS", "NOTES"), map(_step_row, plan.steps)))
    if plan.skipped:
        yield heading("Left out")
        yield indented(table(("OPERATION", "WHY"), ((each.key, each.reason) for each in plan.skipped)))
    yield Text()
    for line in _summary(plan):
        yield Text(plain(line))


def _step_row(step: Step) -> tuple[str, ...]:
    return (
        step.name,
        "; ".join(f"{name}: {origin}" for name, origin in step.origins.items()) or NONE,
        ", ".join(each.variable for each in step.extracts) or NONE,
        "; ".join(dict.fromkeys(step.notes)) or NONE,
    )


def _summary(plan: Plan) -> Iterator[str]:
    total = len(plan.steps) + len(plan.skipped)
    yield f"{len(plan.steps)} of {counted(total, 'operation')} played."
    lacking = [each for each in plan.skipped if each.reason.startswith("needs data: ")]
    if lacking:
        names = Counter(name for each in lacking for name in each.reason[len("needs data: ") :].split(", "))
        yield (
            f"{counted(len(lacking), 'operation')} could be played with data: give columns "
            f"{', '.join(names)} in a CSV file (--data), or values in an overlay."
        )
    if plan.secrets:
        yield f"JMeter needs the properties {', '.join(plan.secrets)}: a gate takes them from a Secret."
    if plan.columns:
        yield f"JMeter needs the data file in the folder DataDir, with {', '.join(plan.columns)}."


def _answer_row(answer: Answer) -> tuple[str | Text, ...]:
    said = NONE if answer.status is None else str(answer.status)
    return (
        answer.step.name,
        Text(said, style="green" if answer.good else "bold red"),
        NONE if answer.ms is None else f"{answer.ms:.0f}",
        answer.why or "",
    )
