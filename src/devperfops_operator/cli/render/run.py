"""One run on one screen: what happened and why. Pure: status in, text out.

Reasons and messages are the status's own words, so that events, `describe` and `report` agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from devperfops_operator.api.objective import Objective
from devperfops_operator.api.perfrun import (
    ActionStatus,
    ConsumptionStatus,
    CoverageStatus,
    EndpointStatus,
    FigureStatus,
    ForecastStatus,
    LevelStatus,
    LiveStatus,
    LoadStatus,
    NotificationStatus,
    ObjectiveStatus,
    PerfRun,
    PlanStatus,
    RecordStatus,
    ResetStatus,
    TimelineEntry,
    Verdict,
    WorkerStatus,
)
from devperfops_operator.cli.render.parts import Fact, facts, heading, indented, table
from devperfops_operator.cli.render.words import (
    NONE,
    Clock,
    counted,
    index_ranges,
    number,
    outcome_text,
    plain,
    played_by,
    reason_style,
    took,
    verdict_text,
)
from devperfops_operator.domain.objectives import claim

OBJECTIVE_COLUMNS = ("VERDICT", "OBJECTIVE", "OBSERVED", "EXCEEDANCES", "BOUND", "ALLOWED", "SAMPLES")
"""Of `objective_row`."""
ENDPOINT_COLUMNS = ("ENDPOINT", "USUAL SHARE", "REQUESTS", "NEEDED")
"""Of `endpoint_row`."""
FIGURE_COLUMNS = ("LIMIT", "TAKES")
"""Of `figure_row`."""
FORECAST_COLUMNS = ("VERDICT", "LIMIT", "NEEDED", "GRANTED")
"""Of `forecast_row`."""
_MANY = 8
"""More workers than these do not get a row each."""
_NARROW = 90
"""Under this width objectives are written below each other instead of in a table."""


def run_screen(run: PerfRun, clock: Clock) -> Group:
    """Everything about one run."""
    return Group(*_blocks(run, clock))


def run_result(run: PerfRun) -> Group:
    """What a person who waited for it wants to know."""
    parts: list[RenderableType] = [headline(run)]
    if run.status.objectives:
        parts += [Text(), Objectives(run)]
    return Group(*parts)


def headline(run: PerfRun, told: str = "") -> Text:
    """Name, outcome and coded reason, then the sentence that goes with them unless it was `told`."""
    status = run.status
    line = Text.assemble((run.metadata.name, "bold"), "  ", outcome_text(run))
    if status.reason:
        line.append(f"  {plain(status.reason)}")
    if status.message and status.message != told:
        line.append(f"\n{plain(status.message)}")
    elif not status.message and status.timeline:
        line.append(f"\n{plain(status.timeline[-1].message)}")
    return line


def load_line(load: LoadStatus) -> str:
    """Offered against achieved load, in one line."""
    rate = f"{load.achieved_rate or 'no rate yet'} of {load.planned_rate} planned"
    return ", ".join(
        [
            played_by(load.threads, load.workers),
            rate if load.planned_rate else (load.achieved_rate or "no rate yet"),
            f"{counted(load.samples, 'sample')} ({number(load.judged_samples)} judged)",
            counted(load.errors, "error"),
        ]
    )


def level_line(level: LevelStatus) -> str:
    """`at 2x: 5980/m of 6000/m, 2990 samples, held`."""
    kept = (
        ""
        if level.held is None
        else ", held"
        if level.held
        else f", not shown to hold: {level.message or ''}"
    )
    rate = f"{level.achieved_rate or 'none'} of {level.planned_rate}"
    return f"{level.name}: {rate}, {counted(level.samples, 'sample')}{kept}"


def live_line(live: LiveStatus, clock: Clock) -> str:
    """Which time of the users' traffic is judged, in one line."""
    end = live.ended_at or live.ends_at
    span = f"{clock.time(live.judged_from)} to {clock.time(end)}, {took(live.judged_from, end)}"
    return f"of real users, {span}{'' if live.ended_at else ' planned'}"


def coverage_line(coverage: CoverageStatus) -> str:
    """How much of the usual traffic the tested one stands for, in one line."""
    usual = f" of {number(coverage.usual)} usual ({coverage.volume})" if coverage.usual else ""
    mix = f"mix {coverage.distance} from the usual one" if coverage.distance else "no usual mix known"
    return (
        f"{counted(coverage.requests, 'request')}{usual}; {coverage.exercised} of "
        f"{counted(coverage.known, 'known endpoint')} exercised, {mix}, {coverage.unseen} unseen"
        f"{_no_endpoints(coverage)}"
    )


def _no_endpoints(coverage: CoverageStatus) -> str:
    """`; no endpoints: Login, Pay`."""
    return f"; no endpoints: {', '.join(map(plain, coverage.unmapped))}" if coverage.unmapped else ""


class Objectives:
    """The objectives as a table or, where it is too narrow for one, below each other."""

    def __init__(self, run: PerfRun) -> None:
        self._objectives = run.status.objectives
        self._told = run.status.message or ""  # the run's own sentence, which need not be said again

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _NARROW:
            yield from (_objective_lines(each, self._sentence(each)) for each in self._objectives)
            return
        yield table(OBJECTIVE_COLUMNS, map(objective_row, self._objectives), right=OBJECTIVE_COLUMNS[3:])
        for each in self._objectives:
            if sentence := self._sentence(each):
                yield Text(f"{objective_title(each)}: {sentence}")

    def _sentence(self, objective: ObjectiveStatus) -> str:
        return untold_sentence(objective, self._told)


def untold_sentence(objective: ObjectiveStatus, told: str) -> str:
    """Why the objective did not hold, unless the run's message says so; figures say why it did."""
    message = objective.message or ""
    return "" if objective.verdict is Verdict.PASS or message in told else plain(message)


def objective_title(objective: Objective | ObjectiveStatus) -> str:
    """`cart: p95 < 300ms of GET /cart (SLA, not critical)`; the name only where it has one of its own."""
    ref = objective.slo_ref if isinstance(objective, Objective) else None
    if ref is not None:
        expect = f"as SLO {ref.slo}{f' ({ref.target})' if ref.target else ''} in ConfigMap {ref.config_map}"
    else:
        expect = objective.expect
    named = objective.name not in {None, expect}
    special = [
        *([objective.origin] if objective.origin else []),
        *([] if objective.critical else ["not critical"]),
    ]
    return plain(
        (f"{objective.name}: " if named else "")
        + claim(expect, objective.transaction)
        + (f" ({', '.join(special)})" if special else "")
    )


class Consumption:
    """What a request takes of which limit, then what that makes at production's peak."""

    def __init__(self, consumption: ConsumptionStatus) -> None:
        self._consumption = consumption

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield table(FIGURE_COLUMNS, map(figure_row, self._consumption.figures))
        if self._consumption.forecasts:
            yield Text()
            yield table(
                FORECAST_COLUMNS, map(forecast_row, self._consumption.forecasts), right=("NEEDED", "GRANTED")
            )
        yield from (Text(sentence) for sentence in consumption_sentences(self._consumption))


def consumption_sentences(consumption: ConsumptionStatus) -> Iterator[str]:
    """Why a figure is none, and what is to be done about a forecast."""
    if consumption.gap:
        yield plain(f"Not measured: {consumption.gap}")
    for figure in consumption.figures:
        if figure.doubts:
            yield plain(f"{figure.name} is no measurement: {'; '.join(figure.doubts)}")
    for forecast in consumption.forecasts:
        if forecast.verdict != Verdict.PASS:
            yield plain(f"{forecast.name}: {forecast.message}")


class Timeline:
    """When, how long after the run was asked for, what; a step's sentence stands below it if need be."""

    def __init__(self, run: PerfRun, clock: Clock) -> None:
        self._began = run.metadata.creation_timestamp
        self._entries = run.status.timeline
        self._clock = clock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _NARROW:
            yield facts((self._clock.time(entry.at), _step(entry)) for entry in self._entries)
            return
        yield table(("TIME", "AFTER", "PHASE", "STEP", ""), map(self._row, self._entries))

    def _row(self, entry: TimelineEntry) -> tuple[str | Text, ...]:
        reason = Text(plain(entry.reason), style=reason_style(entry.reason))
        after = f"+{took(self._began, entry.at)}" if self._began else ""
        return self._clock.time(entry.at), after, entry.phase, reason, entry.message


def doings(run: PerfRun, clock: Clock) -> Iterator[Fact]:
    """What was sent to the target, and what was done with it."""
    if run.status.load:
        yield "Load", load_line(run.status.load)
    for level in run.status.load.levels if run.status.load else ():
        yield "", level_line(level)
    if run.status.live:
        yield "Traffic", live_line(run.status.live, clock)
    if run.status.coverage:
        yield "Coverage", coverage_line(run.status.coverage)
    if run.status.action:
        yield "Action", _action_line(run.status.action, clock)


def _blocks(run: PerfRun, clock: Clock) -> Iterator[RenderableType]:
    yield headline(run)
    yield Text()
    yield facts(run_facts(run, clock))
    if run.status.objectives:
        yield heading("Objectives")
        yield indented(Objectives(run))
    if run.status.coverage and run.status.coverage.endpoints:
        yield heading("Endpoints")
        rows = map(endpoint_row, run.status.coverage.endpoints)
        yield indented(table(ENDPOINT_COLUMNS, rows, right=ENDPOINT_COLUMNS[1:]))
    if run.status.consumption:
        yield heading("Consumption")
        yield indented(Consumption(run.status.consumption))
    if run.status.workers:
        yield heading("Workers")
        yield indented(_workers(run.status.workers))
    if run.status.timeline:
        yield heading("Timeline")
        yield indented(Timeline(run, clock))


def _owed(reset: ResetStatus) -> str:
    what = ", ".join(f"{each} its {counted(each.replicas, 'replica')}" for each in reset.workloads)
    return what + (f": {reset.problem}" if reset.problem else "")


def _record_line(record: RecordStatus) -> str:
    """Where its measurements are, for `backtest`."""
    if record.message:
        return f"not kept: {record.message}"
    return f"ControllerRevision {record.name}" + ("" if record.kept_at else ", being written")


def _plan_line(plan: PlanStatus) -> str:
    """`sha256 3f2a…, 12,345 bytes`: what `devperfops plan` writes, or why it cannot."""
    unkept = f"; not kept: {plan.unkept}" if plan.unkept else ""
    return f"sha256 {plan.sha256[:12]}, {counted(plan.size, 'byte')}{unkept}"


def run_facts(run: PerfRun, clock: Clock) -> Iterator[Fact]:
    """What a report begins with."""
    status, began = run.status, run.metadata.creation_timestamp
    yield "Gate", f"{run.spec.gate} (namespace {run.metadata.namespace})"
    yield "Revision", f"{status.revision or 'not read yet'}, trigger {status.trigger or 'not known yet'}"
    if run.spec.reason:
        yield "Asked for", run.spec.reason
    yield "Began", clock.date_time(began) if began else NONE
    if status.completed_at:
        yield "Ended", f"{clock.date_time(status.completed_at)}, after {took(began, status.completed_at)}"
    else:
        yield "Phase", f"{status.phase}, for {clock.age(began)} since it began"
    if status.score and len(status.objectives) > 1:
        yield "Score", f"{status.score} of the objectives' weight holds (it decides nothing)"
    yield from doings(run, clock)
    if plan := next((worker.plan for worker in status.workers if worker.plan), None):
        yield "Plan", _plan_line(plan)
    if status.reset:
        yield "Owes back", _owed(status.reset)
    if status.record:
        yield "Record", _record_line(status.record)
    for entry in status.notifications:
        yield "Told", _notification(entry, clock)


def _action_line(action: ActionStatus, clock: Clock) -> str:
    to = f" to {action.to_revision}" if action.to_revision else ""
    done = f"done {clock.time(action.done_at)}" if action.done_at else "not done yet"
    return f"{action.type}{to}, {done} ({action.reason}{': ' if action.message else ''}{action.message})"


def _notification(entry: NotificationStatus, clock: Clock) -> str:
    if entry.sent_at is not None:
        return f"{entry.receiver}, {clock.time(entry.sent_at)}"
    return f"{entry.receiver} not yet{': ' if entry.message else ''}{entry.message or ''}"


def objective_row(objective: ObjectiveStatus) -> tuple[str | Text, ...]:
    """Beginning with the verdict; the last four are figures."""
    return (
        verdict_text(objective.verdict),
        objective_title(objective),
        objective.observed or NONE,
        objective.exceedance or NONE,
        objective.bound or NONE,
        objective.allowed or NONE,
        number(objective.samples),
    )


def figure_row(figure: FigureStatus) -> tuple[str, ...]:
    """Of a metered limit."""
    return plain(figure.name), figure.told or "not known"


def forecast_row(forecast: ForecastStatus) -> tuple[str, ...]:
    """The last two are amounts."""
    return forecast.verdict, plain(forecast.name), forecast.asked or NONE, forecast.granted or NONE


def endpoint_row(endpoint: EndpointStatus) -> tuple[str, ...]:
    """The last three are figures."""
    needed = number(endpoint.needed) if endpoint.needed else NONE
    return plain(endpoint.name), endpoint.weight, number(endpoint.requests), needed


def _objective_lines(objective: ObjectiveStatus, sentence: str) -> Text:
    lines = Text.assemble(verdict_text(objective.verdict), f"  {objective_title(objective)}")
    lines.append(
        f"\n  {plain(objective.observed or 'nothing observed yet')};"
        f" exceedances {objective.exceedance or NONE}"
        f" (bound {objective.bound or NONE}, allowed {objective.allowed or NONE})"
        f" of {number(objective.samples)} samples"
    )
    if sentence:
        lines.append(f"\n  {sentence}")
    return lines


def _step(entry: TimelineEntry) -> Text:
    style = reason_style(entry.reason)
    return Text.assemble(f"{entry.phase}  ", (plain(entry.reason), style), f"\n{plain(entry.message)}")


def _workers(workers: tuple[WorkerStatus, ...]) -> RenderableType:
    """A row each, or of many one for all that ended alike."""
    ordered = sorted(workers, key=lambda worker: worker.index)
    if len(ordered) <= _MANY:
        return _workers_table([worker] for worker in ordered)
    by_end = groupby(sorted(ordered, key=_ended), key=_ended)
    return _workers_table(list(group) for _, group in by_end)


def _ended(worker: WorkerStatus) -> str:
    fault = f", {worker.fault}" if worker.fault is not None else ""
    return worker.end + (", result file cut" if worker.truncated else "") + fault


def _workers_table(groups: Iterable[Sequence[WorkerStatus]]) -> RenderableType:
    rows = (
        (
            _ended(group[0]),
            number(sum(worker.rows for worker in group)),
            number(sum(worker.judged_samples for worker in group)),
            number(sum(worker.errors for worker in group)),
            index_ranges([worker.index for worker in group]),  # the last: there may be many
        )
        for group in groups
    )
    columns = ("JMETER", "ROWS", "JUDGED", "ERRORS", "WORKER")
    return table(columns, rows, right=("ROWS", "JUDGED", "ERRORS"))
