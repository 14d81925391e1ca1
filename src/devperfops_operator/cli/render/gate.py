"""One gate on one screen: where it stands, and its latest run in full. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.api.base import Condition, ConditionStatus, ConditionType
from devperfops_operator.api.coverage import Coverage
from devperfops_operator.api.data import (
    Data,
    HTTPReset,
    JobReset,
    MongoDBReset,
    MySQLReset,
    PostgresReset,
    VolumeReset,
)
from devperfops_operator.api.load import JMeterLoad, Load
from devperfops_operator.api.override import Override
from devperfops_operator.api.perfgate import Mode, PerfGate, PerfGateSpec, Quota
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.render.parts import Fact, facts, heading, indented, table
from devperfops_operator.cli.render.run import Objectives, Timeline, doings, headline, objective_title
from devperfops_operator.cli.render.standing import condition_of, primary_standing, standing
from devperfops_operator.cli.render.words import NONE, Clock, counted, outcome_text, plain, played_by
from devperfops_operator.domain.run.restraint import on_fail

_RUNS = 5


def gate_screen(gate: PerfGate, runs: Sequence[PerfRun], clock: Clock) -> Group:
    """`runs`: those of this gate, newest first."""
    return Group(*_blocks(gate, runs, clock))


def _blocks(gate: PerfGate, runs: Sequence[PerfRun], clock: Clock) -> Iterator[RenderableType]:
    word, style = standing(gate)
    yield Text.assemble((gate.metadata.name, "bold"), "  ", (plain(word), style))
    why = _why(gate)
    if why:
        yield Text(plain(why))
    yield Text()
    yield facts(_facts(gate, clock))
    if gate.status.conditions:
        yield heading("Conditions")
        yield indented(_conditions(gate.status.conditions, why, clock))
    if runs:
        yield heading("Latest run")
        yield indented(Group(*_latest(runs[0], why, clock)))
        yield heading("Runs")
        yield indented(_history(runs[:_RUNS], clock))


def _latest(run: PerfRun, told: str, clock: Clock) -> Iterator[RenderableType]:
    yield headline(run, told=told)
    yield facts(doings(run, clock))
    if run.status.objectives:
        yield Text()
        yield Objectives(run)
    if run.status.timeline:
        yield Text()
        yield Timeline(run, clock)


def _why(gate: PerfGate) -> str:
    """The sentence of whatever keeps it from being ready, else of its last verdict."""
    kinds = (ConditionType.STALLED, ConditionType.PASSED)
    stalled, passed = (condition_of(gate, kind) for kind in kinds)
    teller = stalled if stalled is not None and stalled.status is ConditionStatus.TRUE else passed
    return teller.message if teller is not None else ""


def _facts(gate: PerfGate, clock: Clock) -> Iterator[Fact]:
    spec, status = gate.spec, gate.status
    revision = f", revision {status.target.revision}" if status.target else ""
    ago = f", {clock.age(status.last_run_at)} ago" if status.last_run_at else ""
    yield "Namespace", gate.metadata.namespace
    yield "Target", f"{spec.target_ref.kind} {spec.target_ref.name}{revision}"
    if spec.promote_to is not None:
        yield "Promoted to", f"Deployment {spec.promote_to}, {primary_standing(gate)}"
    yield "Known good", status.known_good or "none yet"
    if spec.live is not None:
        yield "Traffic", f"of real users, judged for {spec.live.duration} from the rollout's end on"
    if spec.load is not None:
        yield from _load(spec.load, spec.target_ref.name)
    if spec.coverage is not None:
        yield "Coverage", _coverage(spec.coverage)
    if spec.data is not None:
        yield "Reset", _reset(spec.data)
    if spec.quota is not None:
        yield "Quota", _quota(spec.quota)
    yield "Objectives", "; ".join(map(objective_title, spec.objectives))
    yield "Tested", _tested(spec)
    if spec.environment:
        yield "Environment", spec.environment
    yield "On verdict", _on_verdict(gate)
    yield "History", f"the last {counted(spec.history_limit, 'run')}"
    if spec.override is not None:
        yield "Override", _override(spec.override, clock)
    yield "Last verdict", f"{status.last_verdict or NONE}{ago}"


def _reset(data: Data) -> str:
    match data.reset:
        case PostgresReset(database=database, template=template):
            what = f"database {database} from {template}"
        case MySQLReset(database=database, dump=dump) | MongoDBReset(database=database, dump=dump):
            what = f"database {database} from {dump}"
        case HTTPReset(url=url, method=method):
            what = f"data by {method} {url.partition('?')[0]}"
        case VolumeReset(claim=claim, snapshot=snapshot):
            what = f"volume {claim} from snapshot {snapshot}"
        case JobReset(image=image):
            what = f"data by a container of {image}"
        case _ as never:
            assert_never(never)
    quiet = f", {', '.join(map(str, data.quiesce))} scaled to zero meanwhile" if data.quiesce else ""
    return f"{what} before each load, within {data.timeout}{quiet}"


def _quota(quota: Quota) -> str:
    named = quota.policy
    return f"policy {named}" if named is not None else f"policy in ConfigMap {quota.config_map}"


def _coverage(asked: Coverage) -> str:
    wanted = [
        *([f"{asked.min_volume} of the usual requests"] if asked.min_volume else []),
        f"{asked.min_endpoints} of the endpoints",
        *([f"mix within {asked.max_distance}"] if asked.max_distance else []),
        f"{asked.max_unseen} unseen at most",
    ]
    return f"{', '.join(wanted)} (by {', '.join(asked.by)}, {counted(asked.weeks, 'week')} back)"


def _load(load: Load, target: str) -> Iterator[Fact]:
    jmeter, address = load.jmeter, load.target
    auto = f" (up to {jmeter.max_duration} if need be)" if jmeter.max_duration is not None else ""
    yield "Load", f"{_intensity(load)}, {jmeter.duration}{auto} with {jmeter.ramp_up} ramp-up"
    port = f":{address.port}" if address.port else ""
    yield "Address", f"{address.scheme}://{address.host or target}{port}"
    yield from _files(jmeter)


def _intensity(load: Load) -> str:
    """`300 threads on 2 workers, 1800/m`, or by what profile."""
    profile, jmeter = load.profile, load.jmeter
    if profile is not None:
        season = f" in the season {profile.season}" if profile.season else ""
        scaled = f" x {profile.scale:g}" if profile.scale != 1 else ""
        among = f" on {counted(load.workers, 'worker')}" if load.workers > 1 else ""
        return f"production's busiest hour{season}{scaled} (ConfigMap {profile.config_map}){among}"
    rate = f", {jmeter.rate}" if jmeter.rate is not None else ""
    return f"{played_by(jmeter.threads or 0, load.workers)}{rate}"


def _files(jmeter: JMeterLoad) -> Iterator[Fact]:
    """Where what JMeter needs comes from."""
    made = jmeter.plan.open_api is not None
    yield "Plan", f"{'made from' if made else f'{jmeter.plan.key} in'} {jmeter.plan.described}"
    if jmeter.data is not None:
        shared = ", ".join(shard.file for shard in jmeter.data.shards or ())
        yield "Data", jmeter.data.described + (f"; workers share {shared}" if shared else "")
    if jmeter.properties_from:
        yield "Secrets", ", ".join(each.secret for each in jmeter.properties_from)
    if jmeter.plugins is not None:
        yield "Plugins", jmeter.plugins.described
    if jmeter.image is not None:
        yield "Image", jmeter.image


def _tested(spec: PerfGateSpec) -> str:
    if spec.suspend:
        return "by hand only, while spec.suspend is true"
    return "on every rollout, and by hand" if spec.triggers.rollout else "by hand only"


def _on_verdict(gate: PerfGate) -> str:
    if gate.spec.mode is Mode.OBSERVE:
        return "nothing is changed: spec.mode is Observe"
    asked, owner = gate.spec.actions, gate.status.target.git_owner if gate.status.target else None
    because = f" ({owner} owns the target)" if owner else ""
    fail = f"{on_fail(asked, owner)}{because}"
    return f"Pass: {asked.on_pass}; Fail: {fail}; Inconclusive: {asked.on_inconclusive}"


def _override(override: Override, clock: Clock) -> str:
    counts = "until" if clock.now < override.expires else "expired"
    who = f" ({override.by})" if override.by else ""
    return f"{override.revision} {counts} {clock.date_time(override.expires)}: {override.reason}{who}"


def _conditions(conditions: Sequence[Condition], told: str, clock: Clock) -> RenderableType:
    """`told`: the sentence that stands above already."""
    rows = (
        (
            each.type,
            each.status,
            each.reason,
            clock.age(each.last_transition_time),
            each.message if each.message != told else "(see above)",
        )
        for each in conditions
    )
    return table(("TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"), rows)


def _history(runs: Sequence[PerfRun], clock: Clock) -> RenderableType:
    rows = (
        (
            run.metadata.name,
            run.status.revision or NONE,
            outcome_text(run),
            run.status.reason or NONE,
            clock.age(run.metadata.creation_timestamp),
        )
        for run in runs
    )
    return table(("NAME", "REVISION", "OUTCOME", "REASON", "AGE"), rows)
