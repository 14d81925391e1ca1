"""What a document gives: what is played, with whose ids, and what is not. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.api.quantity import format_duration, format_percent
from devperfops_operator.cli.render.parts import heading, indented, table
from devperfops_operator.cli.render.words import NONE, counted, plain
from devperfops_operator.cli.scenario.check import Answer
from devperfops_operator.cli.scenario.production import Looks
from devperfops_operator.scenario.plan import Plan, Step


def plan_screen(plan: Plan, looks: Looks | None = None) -> Group:
    """In the order in which it is played."""
    return Group(*_blocks(plan), *(_production(plan, looks) if looks is not None else ()))


def plan_json(plan: Plan, looks: Looks | None = None) -> dict[str, Any]:
    """Schema devperfops.io/scenario/v1."""
    return {
        **_plan(plan),
        **({"production": _looks(plan, looks)} if looks is not None else {}),
    }


def _looks(plan: Plan, looks: Looks) -> dict[str, Any]:
    """`plays`: in a hundred iterations."""
    return {
        "profile": looks.wanted.profile.metadata.name,
        "scale": looks.wanted.scale,
        "perMinute": looks.load.per_minute,
        "threads": looks.load.threads,
        "rampUpSeconds": looks.load.ramp_up_s,
        "distance": looks.distance,
        "plays": {step.name: 100 * step.weight.plays for step in plan.steps},
        "lacking": [{"endpoint": name, "share": share, "reason": why} for name, share, why in looks.lacking],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "schema": "devperfops.io/scenario/v1",
        "title": plan.title,
        "played": [
            {
                "operation": step.name,
                "ids": dict(step.origins),
                "keeps": [each.variable for each in step.extracts],
                "successCodes": list(step.codes),
                "documentedCodes": list(step.documented),
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
        Text(f"{good} of {counted(len(answers), 'operation')} answered with success{_undocumented(answers)}"),
    )


def _undocumented(answers: Sequence[Answer]) -> str:
    number = sum(each.good and each.undocumented for each in answers)
    return f", {number} of them with a code that is not documented" if number else ""


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


def _production(plan: Plan, looks: Looks) -> Iterator[RenderableType]:
    spec, load = looks.wanted.profile.spec, looks.load
    yield heading("Beside production")
    whole = sum(step.weight.plays for step in plan.steps)
    rows = [
        (step.name, _percent(step.weight.plays / whole), _called(looks, step), _often(step))
        for step in plan.steps
    ]
    columns = ("OPERATION", "SHARE", "PRODUCTION/S", "ITERATIONS")
    yield indented(table(columns, rows, right=columns[1:3]))
    if looks.lacking:
        yield heading("Production's, and not played")
        rows_lacking = [(name, _percent(share), why) for name, share, why in looks.lacking]
        yield indented(table(("ENDPOINT", "SHARE", "WHY"), rows_lacking, right=("SHARE",)))
    yield Text()
    peak = spec.peak
    yield Text(
        f"The busiest hour is {peak.day} {peak.hour:02}:00 {spec.origin.time_zone} with {peak.rate:.3g} "
        f"requests/s; times {looks.wanted.scale:.3g}. The mix is {_percent(looks.distance)} away from "
        "production's (total variation)."
    )
    ramp_up = format_duration(timedelta(seconds=load.ramp_up_s))
    yield Text(
        f"In a gate: jmeter: {{threads: {load.threads}, rampUp: {ramp_up}, rate: {load.per_minute}/m}}"
    )


def _called(looks: Looks, step: Step) -> str:
    rate = looks.wanted.matched.rates.get(step.name)
    return "added" if rate is None else f"{rate:.3g}"


def _often(step: Step) -> str:
    times = f", {step.weight.times} times in each" if step.weight.times > 1 else ""
    return f"{step.weight.percent:.3g}%{times}"


def _percent(share: float) -> str:
    return format_percent(Fraction(share), decimals=1)


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
        answer.why or (f"documented: {', '.join(answer.step.documented)}" if answer.undocumented else ""),
    )
