from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.gauge import GaugeTest
from devperfops_operator.analysis.series import Series
from devperfops_operator.analysis.targets import FailedScrapes, JudgedPods
from devperfops_operator.api.consumption import Counts
from devperfops_operator.api.expect import Comparison
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.polls import Polls
from devperfops_operator.domain.effects import PollMetrics, ReadConsumption, ReadTraffic
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable
from devperfops_operator.domain.objectives import (
    BadEvents,
    CoveragePlan,
    GaugePoints,
    JudgedObjective,
    RunPlan,
)
from devperfops_operator.domain.observed import ConsumptionEvidence
from devperfops_operator.domain.quota.consumption import Meter, Metering
from devperfops_operator.domain.quota.units import parse_unit
from devperfops_operator.evidence import EvidenceStore

KEY = Key(Subject.RUN, "shop", "front-end-1")
RUN = "uid-1"
SINCE = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP = timedelta(seconds=15)
EFFECT = PollMetrics(
    server="shop",
    objective="availability",
    polled=BadEvents("good", "total"),
    since=SINCE,
    until=SINCE + timedelta(seconds=30),
    ends=SINCE + timedelta(minutes=1),
    step=STEP,
    pods=JudgedPods("cart"),
)
GAUGE = replace(EFFECT, objective="cpu", polled=GaugePoints("max(cpu)", Comparison.LESS, 0.8))
PLAN = RunPlan(
    workers=1,
    threads=1,
    ramp_up=timedelta(0),
    duration=timedelta(minutes=1),
    rate_per_minute=None,
    thresholds=(),
    objectives=(
        JudgedObjective(
            "availability",
            "good >= 99%",
            BadEvents("good", "total"),
            ShareTest(allowed=Fraction(1, 100), alpha=0.001),
        ),
        JudgedObjective("cpu", "value < 0.8 for 95%", GAUGE.polled, GaugeTest(Fraction(95, 100))),
    ),
    prometheus="shop",
)


class Prometheus:
    """Answers, once it may, what it is told to."""

    def __init__(self, answers: dict[str, float] | DevPerfOpsError) -> None:
        self.asked: list[str] = []
        self.failed: list[FailedScrapes] = []
        self.may_answer = asyncio.Event()
        self._answers = answers

    async def counters(
        self, _server: str, selector: str, since: datetime, until: datetime
    ) -> Sequence[Series]:
        self.asked.append(selector)
        await self.may_answer.wait()
        if isinstance(self._answers, DevPerfOpsError):
            raise self._answers
        return [self._series(selector, since, until)]

    async def gauge(
        self, _server: str, query: str, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[Series]:
        self.asked.append(f"{query} {since - SINCE} {until - SINCE} {step}")
        await self.may_answer.wait()
        if isinstance(self._answers, DevPerfOpsError):
            raise self._answers
        return [self._series(query, since, until)]

    async def hourly_rates(
        self, _server: str, selector: str, by: Sequence[str], since: datetime, until: datetime
    ) -> Sequence[Series]:
        self.asked.append(f"{selector} by {', '.join(by)} from {since:%d %H:%M} to {until:%d %H:%M}")
        await self.may_answer.wait()
        if isinstance(self._answers, DevPerfOpsError):
            raise self._answers
        return [self._series(selector, since, until)] if self._answers.get(selector) else []

    async def failed_scrapes(
        self, _server: str, jobs: Sequence[str], since: datetime, until: datetime
    ) -> Sequence[FailedScrapes]:
        self.asked.append(f"up of {', '.join(jobs)} for {until - since}")
        return self.failed

    async def label_values(
        self, _server: str, selector: str, label: str, since: datetime, until: datetime
    ) -> Sequence[str]:
        self.asked.append(f"{label} of {selector} from {since:%d %H:%M} to {until:%d %H:%M}")
        assert not isinstance(self._answers, DevPerfOpsError)
        return [selector] if selector in self._answers else []

    def _series(self, selector: str, since: datetime, until: datetime) -> Series:
        assert not isinstance(self._answers, DevPerfOpsError)
        samples = [(since.timestamp(), 0.0), (until.timestamp(), self._answers[selector])]
        return Series({"pod": "a", "job": "web"}, samples)


class Bench:
    def __init__(self, answers: dict[str, float] | DevPerfOpsError) -> None:
        self.prometheus = Prometheus(answers)
        self.evidence = EvidenceStore()
        self.evidence.open(RUN, PLAN)
        self.woken = asyncio.Event()
        self.polls = Polls(metrics=self.prometheus, evidence=self.evidence, wake=lambda _: self.woken.set())

    async def answer(self) -> None:
        self.prometheus.may_answer.set()
        async with asyncio.timeout(5):
            await self.woken.wait()


async def test_counters_become_evidence_as_of_the_end_of_their_window() -> None:
    bench = Bench({"good": 97.0, "total": 100.0, "max(cpu)": 0.5})

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    tally: Tally = bench.evidence.view(RUN).objectives["availability"].tally
    assert (tally.samples, tally.exceedances) == (100, 3)
    assert bench.evidence.view(RUN).metrics_polled_at is None  # the gauge is not read yet

    bench.woken.clear()
    bench.polls.start(KEY, RUN, GAUGE)
    await bench.answer()
    assert bench.evidence.view(RUN).metrics_polled_at == EFFECT.until


@pytest.mark.parametrize(
    ("until_s", "asked"),
    [(30, ["0:00:15 0:00:30 0:00:15"]), (70, ["0:00:15 0:01:00 0:00:15"]), (14, [])],
    ids=["so far", "not behind the judged window", "before the first point"],
)
async def test_a_gauge_is_read_at_the_scrapes_of_the_judged_window(until_s: int, asked: list[str]) -> None:
    bench = Bench({"max(cpu)": 0.9})

    bench.polls.start(KEY, RUN, replace(GAUGE, until=SINCE + timedelta(seconds=until_s)))
    await bench.answer()

    assert bench.prometheus.asked == [f"max(cpu) {each}" for each in asked]
    seen = bench.evidence.view(RUN).objectives["cpu"]
    assert (seen.tally.samples, seen.tally.exceedances) == (2 * len(asked), len(asked))


async def test_an_objective_is_read_once_at_a_time() -> None:
    bench = Bench({"good": 1.0, "total": 1.0})

    bench.polls.start(KEY, RUN, EFFECT)
    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    assert sorted(bench.prometheus.asked) == ["good", "total", "up of web for 0:00:30"]


async def test_it_is_read_again_after_an_answer() -> None:
    bench = Bench({"good": 1.0, "total": 1.0})

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()
    bench.woken.clear()
    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    assert sorted(bench.prometheus.asked) == ["good"] * 2 + ["total"] * 2 + ["up of web for 0:00:30"] * 2


@pytest.mark.parametrize("error", [Unavailable("away"), Refused("QueryInvalid", "a parse error")])
async def test_what_cannot_be_read_is_a_gap_in_the_evidence(error: DevPerfOpsError) -> None:
    bench = Bench(error)

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    gap = bench.evidence.view(RUN).objectives["availability"].gap
    assert gap is not None
    assert (gap.reason, gap.message) == ("PrometheusUnavailable", str(error))


@pytest.mark.parametrize("answer", [None, "lots"])
async def test_what_makes_no_sense_is_a_gap_too_and_not_asked_again_at_once(answer: Any) -> None:
    """A decision asks again at once as long as it knows of no answer."""
    bench = Bench({"good": answer, "total": 100.0, "max(cpu)": 0.5})
    for effect in (GAUGE, EFFECT):
        bench.woken.clear()
        bench.polls.start(KEY, RUN, effect)
        await bench.answer()

    seen = bench.evidence.view(RUN)
    assert seen.metrics_polled_at == EFFECT.until
    gap = seen.objectives["availability"].gap
    assert gap is not None
    assert gap.reason == "PrometheusUnavailable"


@pytest.mark.parametrize(("missed", "told"), [(1, True), (0, False)])
async def test_a_pod_that_was_never_scraped_leaves_the_others_no_evidence(missed: int, told: bool) -> None:  # noqa: FBT001
    bench = Bench({"good": 97.0, "total": 100.0})
    bench.prometheus.failed = [FailedScrapes({"job": "web", "pod": "cart-5d-b"}, missed)]

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    seen = bench.evidence.view(RUN).objectives["availability"]
    assert seen.tally.samples == 100
    assert (seen.gap is not None and "could not scrape cart-5d-b" in seen.gap.message) is told


TRAFFIC = ReadTraffic(
    server="shop",
    coverage=CoveragePlan(
        traffic="usual",
        tested="total",
        by=("pod",),
        lookback=timedelta(weeks=2),
        enough=29,
        min_endpoints=Fraction(9, 10),
        max_unseen=Fraction(1, 20),
    ),
    since=SINCE + timedelta(minutes=20),
    until=SINCE + timedelta(minutes=30),
    now=SINCE + timedelta(minutes=31),
)


async def test_traffic_is_compared_with_the_whole_hours_of_the_weeks_before() -> None:
    bench = Bench({"total": 100.0, "usual": 2.0})

    bench.polls.start(KEY, RUN, TRAFFIC)
    await bench.answer()

    assert sorted(bench.prometheus.asked) == ["total", "usual by pod from 09 13:00 to 23 12:00"]
    known = bench.evidence.view(RUN).traffic
    assert known is not None
    assert known.coverage is not None
    assert (known.read_at, known.coverage.requests, known.gap) == (TRAFFIC.now, 100, None)


async def test_a_name_that_production_does_not_have_is_told_and_not_taken_for_a_service_without_past() -> (
    None
):
    bench = Bench({"total": 100.0})

    bench.polls.start(KEY, RUN, TRAFFIC)
    await bench.answer()

    assert "__name__ of usual from 09 12:00 to 23 12:30" in bench.prometheus.asked
    known = bench.evidence.view(RUN).traffic
    assert known is not None
    assert known.gap is not None
    assert known.gap.reason == "CoverageUnknown"
    assert "production traffic has no series usual" in known.gap.message


async def test_a_service_that_is_new_is_its_own_catalogue() -> None:
    bench = Bench({"total": 100.0, "usual": 0.0})

    bench.polls.start(KEY, RUN, TRAFFIC)
    await bench.answer()

    known = bench.evidence.view(RUN).traffic
    assert known is not None
    assert known.coverage is not None
    assert known.coverage.usual is None


async def test_traffic_that_cannot_be_read_is_a_gap() -> None:
    bench = Bench(Unavailable("away"))

    bench.polls.start(KEY, RUN, TRAFFIC)
    await bench.answer()

    known = bench.evidence.view(RUN).traffic
    assert known is not None
    assert known.gap is not None
    assert (known.gap.reason, known.gap.message) == ("PrometheusUnavailable", "away")


async def test_an_answer_that_comes_after_the_run_has_ended_is_dropped() -> None:
    bench = Bench({"good": 1.0, "total": 1.0})
    bench.polls.start(KEY, RUN, EFFECT)

    bench.evidence.close(RUN)
    await bench.answer()

    assert not bench.evidence.is_open(RUN)


async def test_closing_ends_what_is_still_being_read() -> None:
    bench = Bench({"good": 1.0, "total": 1.0})
    bench.polls.start(KEY, RUN, EFFECT)

    await bench.polls.close()

    assert not bench.woken.is_set()


CONSUMPTION = ReadConsumption(
    server="shop",
    metering=Metering((Meter("ledger", "calls", parse_unit("1/min"), Counts.CALLS, "calls"),)),
    rate=10.0,
    traffic=None,
    since=SINCE + timedelta(minutes=20),
    until=SINCE + timedelta(minutes=30),
    step=STEP,
    namespace="shop",
    pods=JudgedPods("cart"),
    now=SINCE + timedelta(minutes=31),
)


async def consumption(bench: Bench, effect: ReadConsumption) -> ConsumptionEvidence:
    bench.polls.start(KEY, RUN, effect)
    await bench.answer()
    found = bench.evidence.view(RUN).consumption
    assert found is not None
    return found


async def test_what_requests_take_is_read_with_the_peak_of_the_weeks_before() -> None:
    bench = Bench({"calls": 7200.0, "requests": 6000.0, "usual": 40.0})
    metering = replace(CONSUMPTION.metering, requests="requests")
    found = await consumption(bench, replace(CONSUMPTION, metering=metering, rate=None, traffic="usual"))

    assert sorted(bench.prometheus.asked) == [
        "calls",
        "requests",
        "up of web for 0:10:00",
        "usual by  from 09 13:00 to 23 12:00",
    ]
    assert found.figures["ledger/calls"].value == Fraction("1.2")
    assert found.peak is not None
    assert (found.peak.rate, found.gap) == (40, None)


async def test_one_meter_that_cannot_be_read_leaves_the_others() -> None:
    meters = CONSUMPTION.metering.meters
    bad = replace(meters[0], metric="writes", series="not_there")
    bench = Bench({"calls": 6000.0, "not_there": math.inf})
    found = await consumption(bench, replace(CONSUMPTION, metering=Metering((*meters, bad))))

    assert found.figures["ledger/calls"].value == 1
    assert found.figures["ledger/writes"].value is None
    assert "`not_there` has a sample of inf" in found.figures["ledger/writes"].doubts[0]


@pytest.mark.parametrize(
    ("answers", "effect", "reason", "message"),
    [
        (Unavailable("away"), CONSUMPTION, "PrometheusUnavailable", "away"),
        ({}, replace(CONSUMPTION, rate=None), "NoSamples", "write spec.consumption.requests"),
    ],
)
async def test_without_requests_or_answer_nothing_is_known(
    answers: Any, effect: ReadConsumption, reason: str, message: str
) -> None:
    found = await consumption(Bench(answers), effect)
    assert found.gap is not None
    assert (found.gap.reason, message in found.gap.message) == (reason, True)
