"""A test that does not stand for the usual traffic does not pass, and says why and for how long it should go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devperfops_operator.analysis.coverage import Coverage, Usual, compare, takes
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.coverage import coverage_findings, coverage_status
from devperfops_operator.domain.effects import PollMetrics, ReadTraffic
from devperfops_operator.domain.inputs import check_inputs
from devperfops_operator.domain.observed import Evidence, ObjectiveEvidence, Problem, TrafficEvidence
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import START, World, gate, released

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
USUAL = Usual((10.0,) * 168, {"GET /": 0.8, "GET /cart": 0.2})
AVAILABILITY = {"name": "availability", "expect": "good >= 99%", "good": "ok", "total": "all"}
COVERAGE = {"traffic": "requests_total", "by": ["method", "route"]}
LIVE: dict[str, Any] = {
    "load": None,
    "live": {"duration": "10m"},
    "prometheus": "monitoring",
    "objectives": [AVAILABILITY],
    "coverage": COVERAGE,
}
SOUND = Tally(5000, 3, 3)


def compared(requests: dict[str, int], past: Usual | None = USUAL, minutes: float = 10) -> Coverage:
    since = NOW.timestamp()
    return compare(requests, past, since, since + 60 * minutes, 299)


def told(found: Coverage, past: Usual | None = USUAL, **asked: str) -> list[tuple[Reason, str]]:
    """What the gate makes of it."""
    plan = resolve_plan(gate(**{**LIVE, "coverage": {**COVERAGE, **asked}}).spec)
    assert plan.coverage is not None
    how_long = None if past is None else takes(found, past, plan.coverage.min_endpoints, NOW.timestamp())
    evidence = Evidence(traffic=TrafficEvidence(NOW, found, how_long))
    return [(finding.reason, finding.message) for finding in coverage_findings(plan, evidence)]


def test_enough_of_every_endpoint_in_the_usual_mix_is_enough() -> None:
    found = compared({"GET /": 4800, "GET /cart": 1200})
    assert told(found, minVolume="99%", maxDistance="1%", maxUnseen="0%") == []


def test_a_canary_that_nobody_used_says_what_is_usual_and_how_long_that_takes() -> None:
    ((reason, sentence),) = told(compared({}))
    assert reason is Reason.COVERAGE_TOO_LOW
    assert sentence == (
        "the tested traffic does not stand for the usual one: 0 requests came, where 6000 are usual in that "
        "time; nobody used it; at the usual traffic of these hours it takes 3m"
    )


def test_one_that_lasted_minutes_says_what_is_missing_and_how_long_it_takes() -> None:
    ((reason, sentence),) = told(compared({"GET /": 480, "GET /cart": 120}, minutes=1))
    assert reason is Reason.COVERAGE_TOO_LOW
    assert (
        "50% of the 2 known endpoints got the 299 requests that can show something, 90% are wanted "
        "(GET /cart 120); at the usual traffic of these hours it takes 3m, if as much of it comes"
    ) in sentence


@pytest.mark.parametrize(
    ("requests", "asked", "part"),
    [
        (
            {"GET /": 480, "GET /cart": 320},
            {"minVolume": "50%"},
            "that is 13.3% of the usual, and 50% are wanted",
        ),
        (
            {"GET /": 3000, "GET /cart": 3000},
            {"maxDistance": "20%"},
            "30% away from the usual one, at most 20%",
        ),
        ({"GET /": 3000}, {}, "20% of the usual traffic goes where no request came, at most 5% are allowed"),
    ],
    ids=["volume", "mix", "unseen"],
)
def test_each_threshold_that_is_missed_is_told_with_its_figures(
    requests: dict[str, int], asked: dict[str, str], part: str
) -> None:
    ((reason, sentence),) = told(compared(requests), **asked)
    assert reason is Reason.COVERAGE_TOO_LOW
    assert part in sentence


def test_an_endless_name_is_cut_in_the_sentence() -> None:
    name = f"GET /{'a' * 500}"
    past = Usual(USUAL.hours, {"GET /": 0.5, name: 0.5})
    ((_, sentence),) = told(compared({"GET /": 3000, name: 4}, past), past)
    assert f"(GET /{'a' * 54}… 4)" in sentence


def test_what_takes_longer_than_anybody_waits_is_told_so() -> None:
    quiet = Usual((0.00001,) * 168, USUAL.mix)
    ((_, sentence),) = told(compared({}, quiet), quiet)
    assert "at the usual traffic even four weeks would not be enough" in sentence


def test_without_a_past_the_tested_traffic_is_its_own_catalogue() -> None:
    rich = {"GET /": 4000, "GET /cart": 1000}
    assert told(compared(rich, None), None) == []
    ((reason, _),) = told(compared({"GET /": 4000, "GET /cart": 100}, None), None)
    assert reason is Reason.COVERAGE_TOO_LOW
    ((reason, sentence),) = told(compared(rich, None), None, maxDistance="20%")
    assert reason is Reason.COVERAGE_UNKNOWN
    assert "knows nothing of requests_total in the 2 weeks before" in sentence


def test_an_endpoint_needs_what_the_least_demanding_objective_does() -> None:
    loose = {"expect": "p90 < 2s", "histogram": "latency_bucket"}
    plan = resolve_plan(gate(**{**LIVE, "objectives": [AVAILABILITY, loose]}).spec)
    assert plan.coverage is not None
    assert plan.coverage.enough == 29


def test_a_gate_with_coverage_needs_its_prometheus() -> None:
    spec = gate(coverage=COVERAGE, prometheus="monitoring").spec
    problem = check_inputs(spec, {"scenario": None}, None, set(), START).problem
    assert problem is not None
    assert problem.reason == "PlanNotFound"
    problem = check_inputs(gate(**LIVE).spec, {}, None, set(), START).problem
    assert problem is not None
    assert problem.reason == "PrometheusUnknown"


def test_the_report_has_the_worst_endpoints_first_and_not_all() -> None:
    mix = {f"GET /{number:03}": 1 / 500 for number in range(500)}
    plan = resolve_plan(gate(**LIVE).spec)
    evidence = Evidence(traffic=TrafficEvidence(NOW, compared({}, Usual(USUAL.hours, mix))))
    status = coverage_status(plan, evidence)
    assert status is not None
    assert (len(status.endpoints), status.known, status.unseen) == (20, 0, "100%")
    assert coverage_status(resolve_plan(gate().spec), evidence) is None


# in a run's life


def watched() -> tuple[World, str]:
    """Prometheus has told all but the traffic."""
    world, name = next(released(**LIVE))
    world.until(name, Phase.RUNNING)
    world.wait(601)
    world.step_run(name)
    world.wait(31)
    objectives = {"availability": ObjectiveEvidence(SOUND, covered=timedelta(minutes=10))}
    world.evidence[name] = Evidence(objectives=objectives, metrics_polled_at=world.now)
    return world, name


def answer(world: World, name: str, **traffic: Any) -> None:
    known = TrafficEvidence(world.now, **traffic)
    world.evidence[name] = replace(world.evidence[name], traffic=known)


def test_the_traffic_of_the_judged_time_is_read_once_at_its_end() -> None:
    world, name = watched()
    live = world.runs[name].status.live
    assert live is not None
    (read,) = world.decide_run(name).effects
    assert isinstance(read, ReadTraffic)
    assert (read.since, read.until) == (live.judged_from, live.ends_at + timedelta(seconds=15))
    answer(world, name, coverage=compared({"GET /": 4800, "GET /cart": 1200}))
    world.settle(name)
    status = world.runs[name].status
    assert status.verdict is Verdict.PASS
    assert status.coverage is not None
    assert (status.coverage.requests, status.coverage.usual, status.coverage.exercised) == (
        6000,
        6000,
        "100%",
    )


def test_too_little_of_it_is_inconclusive_and_told_before_what_the_objectives_lack() -> None:
    world, name = watched()
    empty = {"availability": ObjectiveEvidence(Tally(), covered=timedelta(minutes=10))}
    world.evidence[name] = replace(world.evidence[name], objectives=empty)
    answer(world, name, coverage=compared({}))
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "CoverageTooLow")
    assert not world.snapshot_of(name).known_good


def test_a_fail_stands_whatever_is_covered() -> None:
    world, name = next(released(**LIVE))
    world.until(name, Phase.RUNNING)
    world.wait(60)
    broken = {"availability": ObjectiveEvidence(Tally(500, 400, 9), failed=True)}
    world.evidence[name] = Evidence(objectives=broken, metrics_polled_at=world.now)
    world.settle(name)
    assert world.runs[name].status.reason == "ObjectiveFailed"


def test_a_prometheus_that_cannot_tell_is_asked_again_and_then_no_more() -> None:
    world, name = watched()
    answer(world, name, gap=Problem("PrometheusUnavailable", "it is away"))
    world.wait(14)
    assert world.decide_run(name).effects == ()
    world.wait(1)
    assert [type(effect) for effect in world.decide_run(name).effects] == [ReadTraffic]
    world.wait(60)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "PrometheusUnavailable")
    assert "coverage: it is away" in (status.message or "")


def test_one_that_never_answers_holds_no_run_up_for_ever() -> None:
    world, name = watched()
    world.wait(700)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "PrometheusUnavailable")


def test_a_load_that_asks_for_it_is_held_to_it_too() -> None:
    world, name = next(released(coverage=COVERAGE, prometheus="monitoring"))
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, Tally(3000, 0, 0), Tally(3000, 0, 0), final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    world.wait(31)
    effects = world.decide_run(name).effects
    assert [type(effect) for effect in effects] == [ReadTraffic]
    assert not [effect for effect in effects if isinstance(effect, PollMetrics)]
    answer(world, name, coverage=compared({"GET /": 3000}))
    world.settle(name)
    assert world.runs[name].status.reason == "CoverageTooLow"
