"""A gate without load: the traffic of real users is watched, judged and acted upon."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import Points
from devperfops_operator.analysis.targets import JudgedPods
from devperfops_operator.api.perfrun import ActionType, PerfRunStatus, Phase, Verdict
from devperfops_operator.domain.effects import CreateObject, PollMetrics
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.inputs import check_inputs, config_maps
from devperfops_operator.domain.objectives import LivePlan
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence, Problem, TargetPod, TargetPods
from devperfops_operator.domain.plan import resolve_live, resolve_load, resolve_plan
from devperfops_operator.domain.queueing import blocked_by
from devperfops_operator.domain.run import stop_wanted
from tests.unit.domain.world import START, World, gate, released, template

LATENCY = {"name": "fast", "expect": "p99 < 2s", "histogram": "latency_seconds_bucket"}
COUNTERS = {"name": "availability", "expect": "good >= 99%", "good": "ok", "total": "all"}
LIVE: dict[str, Any] = {
    "load": None,
    "live": {"duration": "10m"},
    "prometheus": "monitoring",
    "objectives": [LATENCY, COUNTERS],
}
SOUND, BROKEN = Tally(5000, 3, 3), Tally(5000, 2000, 40)


def watching(**spec: Any) -> tuple[World, str]:
    world, name = next(released(**{**LIVE, **spec}))
    world.until(name, Phase.RUNNING)
    return world, name


def tell(world: World, name: str, *tallies: Tally, failed: bool = False, gap: Problem | None = None) -> None:
    """What Prometheus has told until now."""
    objectives = {
        objective["name"]: ObjectiveEvidence(tally, failed=failed, covered=timedelta(minutes=10), gap=gap)
        for objective, tally in zip((LATENCY, COUNTERS), tallies, strict=True)
    }
    world.evidence[name] = Evidence(objectives=objectives, metrics_polled_at=world.now)


def judged_until(world: World, name: str) -> datetime:
    live = world.runs[name].status.live
    assert live is not None
    return live.ends_at


def watched(world: World, name: str, *tallies: Tally, **told: Any) -> PerfRunStatus:
    """The status after all of the judged time, and what Prometheus had to tell in the end."""
    world.wait(601)
    world.step_run(name)
    world.wait(31)
    tell(world, name, *tallies, **told)
    world.settle(name)
    return world.runs[name].status


def test_a_release_that_holds_is_promoted_and_nothing_was_played() -> None:
    world, name = watching()
    status = watched(world, name, SOUND, SOUND)

    assert (status.verdict, status.reason, status.phase) == (Verdict.PASS, "ObjectivesMet", Phase.COMPLETED)
    assert (status.load, status.workers, world.jobs) == (None, (), {})
    assert world.snapshot_of(name).known_good
    assert world.told(name) == [
        "Accepted", "RolloutComplete", "SnapshotTaken", "WatchEnded", "ObjectivesMet", "Promoted", "Completed",
    ]  # fmt: skip


def test_a_release_that_fails_is_rolled_back_before_the_time_is_over() -> None:
    world, name = watching()
    world.wait(60)
    tell(world, name, BROKEN, SOUND, failed=True)
    failed_at = world.now
    world.settle(name)

    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.FAIL, "ObjectiveFailed")
    assert status.action is not None
    assert status.action.type is ActionType.ROLLBACK
    assert world.now < judged_until(world, name)
    assert status.live is not None
    assert status.live.ended_at == failed_at


def test_a_fail_that_is_found_late_ends_the_judged_time_no_later_than_planned() -> None:
    world, name = watching()
    world.wait(1000)
    tell(world, name, BROKEN, SOUND, failed=True)
    world.settle(name)

    live = world.runs[name].status.live
    assert live is not None
    assert live.ended_at == live.ends_at


def test_prometheus_is_read_over_the_judged_time_alone_and_once_a_scrape() -> None:
    world, name = watching()
    begin = world.now
    world.wait(14)
    assert world.decide_run(name).effects == ()
    world.wait(1)
    polls = world.decide_run(name).effects
    assert [(p.objective, p.since, p.until) for p in polls if isinstance(p, PollMetrics)] == [
        ("fast", begin, world.now), ("availability", begin, world.now)
    ]  # fmt: skip
    tell(world, name, SOUND, SOUND)
    world.wait(14)
    assert world.decide_run(name).effects == ()


def test_once_the_judged_pods_are_known_only_theirs_must_be_scraped() -> None:
    world, name = watching()
    world.target_pods = TargetPods((TargetPod("front-end-7c9d-x2x4k"), TargetPod("front-end-7c9d-8n5qt")))
    world.step_run(name)
    world.wait(15)
    for poll in world.decide_run(name).effects:
        assert isinstance(poll, PollMetrics)
        assert poll.pods == JudgedPods("front-end", frozenset({"front-end-7c9d"}))


def test_an_operator_that_was_away_judges_the_planned_time_and_no_more() -> None:
    world, name = watching()
    end = judged_until(world, name)
    world.wait(5000)
    world.step_run(name)

    live = world.runs[name].status.live
    assert live is not None
    assert live.ended_at == end
    (poll, _) = world.decide_run(name).effects
    assert isinstance(poll, PollMetrics)
    assert (poll.ends, poll.until) == (end, end + timedelta(seconds=30))


@pytest.mark.parametrize(
    ("tallies", "gap", "reason"),
    [
        ((Tally(), Tally()), None, "NoSamples"),
        ((Tally(40), Tally(40)), None, "NotEnoughEvidence"),
        ((SOUND, SOUND), Problem("PrometheusUnavailable", "it is away"), "PrometheusUnavailable"),
    ],
    ids=["no traffic", "little traffic", "no Prometheus"],
)
def test_what_shows_nothing_is_inconclusive(
    tallies: tuple[Tally, Tally], gap: Problem | None, reason: str
) -> None:
    world, name = watching()
    world.wait(601)
    world.step_run(name)
    world.wait(70)
    tell(world, name, *tallies, gap=gap)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, reason)
    assert not world.snapshot_of(name).known_good


GAUGE = {"name": "cpu", "expect": "value < 0.8 for 90%", "query": "max(cpu)"}


def quiet_gauge(world: World, name: str) -> None:
    """Every point of the judged time is in bounds."""
    tally = Tally(40)
    points = Points(tally, 0.1, 40)
    objectives = {
        "cpu": ObjectiveEvidence(tally, points=points),
        "availability": ObjectiveEvidence(SOUND, covered=timedelta(minutes=10)),
    }
    world.evidence[name] = Evidence(objectives=objectives, metrics_polled_at=world.now)


@pytest.mark.parametrize(
    ("objectives", "reason", "says"),
    [
        ([GAUGE], "NoSamples", "no critical objective counts requests"),
        ([GAUGE, {**COUNTERS, "critical": False}], "NoSamples", "no critical objective counts requests"),
        ([{**COUNTERS, "critical": False}], "NotEnoughEvidence", "no objective is critical"),
    ],
    ids=["gauges alone", "counters that decide nothing", "nothing critical"],
)
def test_a_gate_that_an_older_crd_let_in_does_not_pass_without_counted_traffic(
    objectives: list[dict[str, Any]], reason: str, says: str
) -> None:
    world, name = watching(objectives=objectives)
    world.wait(601)
    world.step_run(name)
    world.wait(70)
    quiet_gauge(world, name)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, reason)
    assert says in (status.message or "")
    assert not world.snapshot_of(name).known_good


def test_a_prometheus_that_never_answers_ends_inconclusive() -> None:
    world, name = watching()
    world.wait(601)
    world.step_run(name)
    world.wait(31)
    assert all(isinstance(effect, PollMetrics) for effect in world.decide_run(name).effects)
    world.wait(601)
    world.settle(name)
    assert world.runs[name].status.reason == "PrometheusUnavailable"


def test_a_target_that_is_gone_or_changed_ends_the_watch() -> None:
    world, name = watching()
    world.template = template("3")
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.SUPERSEDED

    world, name = watching()
    world.scaled_to_zero = True
    world.step_run(name)
    assert world.runs[name].status.reason == "TargetGone"


def test_a_watch_waits_for_no_load_and_no_load_waits_for_it() -> None:
    world, name = watching()
    watched_run = world.runs[name]
    status = PerfRunStatus(phase=Phase.AWAITING_ROLLOUT)
    metadata = watched_run.metadata.model_copy(update={"name": "other", "uid": "u-other"})
    other = watched_run.model_copy(update={"metadata": metadata, "status": status})
    assert blocked_by(other, [watched_run, other]) is None


def test_only_the_end_of_its_own_time_stops_it() -> None:
    world, name = watching()
    assert not stop_wanted(world.runs[name])
    world.create_run("by-hand")
    assert not [e for e in world.decide_run(name).effects if isinstance(e, CreateObject)]


def test_it_needs_neither_files_nor_a_service() -> None:
    spec = gate(**LIVE).spec
    assert config_maps(spec) == frozenset()
    assert check_inputs(spec, {}, None, {"monitoring"}, START).problem is None
    problem = check_inputs(spec, {}, None, {"other"}, START).problem
    assert problem is not None
    assert problem.reason == "PrometheusUnknown"


def test_a_plan_is_of_a_load_or_of_live_traffic() -> None:
    live = gate(**LIVE).spec
    assert isinstance(resolve_plan(live), LivePlan)
    assert resolve_live(live).duration == timedelta(minutes=10)
    with pytest.raises(InvalidSpec, match=r"spec\.load"):
        resolve_load(live)
    for wrong in ({"load": gate().to_json()["spec"]["load"]}, {"objectives": [{"expect": "p99 < 2s"}]}):
        with pytest.raises(InvalidSpec):
            resolve_plan(gate(**{**LIVE, **wrong}).spec)
    with pytest.raises(InvalidSpec):
        resolve_plan(replace_load(gate()).spec)


def replace_load(whole: Any) -> Any:
    return whole.model_copy(update={"spec": whole.spec.model_copy(update={"load": None})})
