"""A run that measures what its requests take, because its quota policy asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.consumption import Counts
from devperfops_operator.api.perfrun import (
    ConsumptionStatus,
    FigureStatus,
    LoadModelStatus,
    PerfRun,
    PerfRunStatus,
    Phase,
    RequestPeakStatus,
    ResolvedStatus,
)
from devperfops_operator.domain.effects import ReadConsumption
from devperfops_operator.domain.observed import ConsumptionEvidence, Evidence, ObjectiveEvidence, Problem
from devperfops_operator.domain.quota.answer import QuotaAnswer
from devperfops_operator.domain.quota.consumption import Figure, Meter, Metering, RequestPeak
from devperfops_operator.domain.quota.finding import Verdict as Quota
from devperfops_operator.domain.quota.units import parse_unit
from devperfops_operator.domain.run.consuming import consumed_by, last_measured
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.test_coverage import LIVE
from tests.unit.domain.world import START, World, gate, released

READS = Meter("ledger", "calls", parse_unit("1/min"), Counts.CALLS, "ledger_calls_total")
METERING = Metering((READS,), requests="requests_total")
ASKS = QuotaAnswer(Quota.PASS, blocks=True, message="", metering=METERING)
SOUND = Tally(3000, 0, 0)


def loaded(**changes: Any) -> tuple[World, str]:
    """Its load has ended, and Prometheus may be asked."""
    world, name = next(released(prometheus="monitoring", **changes))
    world.quota = ASKS
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, SOUND, SOUND, final=LoadEnd.COMPLETED)
    for _ in range(3):
        world.step_run(name)
    world.wait(31)
    return world, name


def answer(world: World, name: str, **found: Any) -> None:
    known = ConsumptionEvidence(world.now, **found)
    world.evidence[name] = replace(world.evidence[name], consumption=known)


def test_it_is_read_once_over_the_judged_time_of_the_load() -> None:
    world, name = loaded()
    load = world.runs[name].status.load
    assert load is not None
    (read,) = world.decide_run(name).effects
    assert isinstance(read, ReadConsumption)
    assert (read.since, read.metering, read.traffic) == (load.judged_from, METERING, None)
    assert load.ended_at is not None
    assert read.until <= load.ended_at
    assert read.rate == pytest.approx(50, rel=0.05)
    answer(world, name, figures={READS.title: Figure(Fraction(1))})
    world.settle(name)
    assert world.runs[name].status.phase is Phase.COMPLETED


def test_real_users_are_counted_at_prometheus_and_so_is_their_peak() -> None:
    world, name = next(released(**{**LIVE, "coverage": None}))
    world.quota = ASKS
    world.until(name, Phase.RUNNING)
    world.wait(601)
    world.step_run(name)
    world.wait(31)
    objectives = {"availability": ObjectiveEvidence(SOUND, covered=timedelta(minutes=10))}
    world.evidence[name] = Evidence(objectives=objectives, metrics_polled_at=world.now)
    reads = [each for each in world.decide_run(name).effects if isinstance(each, ReadConsumption)]
    assert [(each.rate, each.traffic) for each in reads] == [(None, "requests_total")]


def test_a_prometheus_that_is_away_is_asked_again_and_then_no_more() -> None:
    world, name = loaded()
    answer(world, name, gap=Problem("PrometheusUnavailable", "it is away"))
    world.wait(14)
    assert world.decide_run(name).effects == ()
    world.wait(1)
    assert [type(effect) for effect in world.decide_run(name).effects] == [ReadConsumption]
    world.wait(60)
    world.settle(name)
    assert world.runs[name].status.reason == "ObjectivesMet"


def test_what_came_of_it_is_kept_with_the_run() -> None:
    world, name = loaded()
    kept = ConsumptionStatus(figures=(FigureStatus(name=READS.title, counts="Calls", per_request="1.2"),))
    world.quota = replace(ASKS, consumption=kept)
    answer(world, name, figures={READS.title: Figure(Fraction("1.2"))})
    world.settle(name)
    assert world.runs[name].status.consumption == kept


def test_a_gate_without_a_prometheus_says_so_and_asks_nobody() -> None:
    world, name = next(released())
    world.quota = ASKS
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, SOUND, SOUND, final=LoadEnd.COMPLETED)
    world.settle(name)
    assert world.runs[name].status.reason == "ObjectivesMet"
    assert consumed_by(gate().spec, PerfRunStatus(), None, None).gap == (
        "spec.prometheus of the gate names no server"
    )


# beside the revision before


def measured(name: str, revision: str, value: str, hour: int, series: str = "calls") -> PerfRun:
    figure = FigureStatus(name=READS.title, counts="Calls", per_request=value, series=series)
    made = (START + timedelta(hours=hour)).isoformat()
    run = PerfRun.from_json(
        {
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": made},
            "spec": {"gate": "front-end"},
        }
    )
    status = PerfRunStatus(revision=revision, consumption=ConsumptionStatus(figures=(figure,)))
    return run.model_copy(update={"status": status})


@pytest.mark.parametrize(("series", "before"), [("calls", Fraction("1.2")), ("other", None)])
def test_the_last_run_of_the_known_good_revision_is_beside_it_if_it_counted_alike(
    series: str, before: Fraction | None
) -> None:
    runs = [measured("a", "r1", "9", 1), measured("b", "r1", "1.2", 2, series), measured("c", "r2", "5", 3)]
    found = ConsumptionEvidence(START, {READS.title: Figure(Fraction("1.44"), series="calls")})
    consumed = consumed_by(gate().spec, PerfRunStatus(), found, last_measured(runs, "r1"))
    assert consumed.figures[READS.title].before == before
    assert last_measured(runs, "r9") is None


def test_peaks_are_those_of_the_profile_and_of_the_last_weeks() -> None:
    peak = RequestPeakStatus(per_second="20", because="the profile", first="12-15", last="01-10")
    load = LoadModelStatus(rate="1800/m", threads=9, message="x", peak=peak)
    status = PerfRunStatus(resolved=ResolvedStatus(load=load))
    found = ConsumptionEvidence(START, peak=RequestPeak(Fraction(30), "the last weeks"))
    peaks = consumed_by(gate().spec, status, found, None).peaks
    assert [(each.rate, each.because) for each in peaks] == [(20, "the profile"), (30, "the last weeks")]
    assert str(peaks[0].season) == "12-15 to 01-10"
