from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from devperfops_operator.analysis.counters import Series
from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.controller.polls import Polls
from devperfops_operator.domain.effects import PollMetrics
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable
from devperfops_operator.domain.objectives import BadEvents, JudgedObjective, RunPlan
from devperfops_operator.evidence import EvidenceStore

KEY = Key(Subject.RUN, "shop", "front-end-1")
RUN = "uid-1"
SINCE = datetime(2026, 11, 23, 12, tzinfo=UTC)
EFFECT = PollMetrics("shop", "availability", "good", "total", SINCE, SINCE + timedelta(seconds=30))
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
    ),
    prometheus="shop",
)


class Prometheus:
    """Answers, once it may, what it is told to."""

    def __init__(self, answers: dict[str, float] | DevPerfOpsError) -> None:
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self._answers = answers

    async def counters(
        self, _server: str, selector: str, since: datetime, until: datetime
    ) -> Sequence[Series]:
        self.asked.append(selector)
        await self.may_answer.wait()
        if isinstance(self._answers, DevPerfOpsError):
            raise self._answers
        samples = [(since.timestamp(), 0.0), (until.timestamp(), self._answers[selector])]
        return [Series({"pod": "a"}, samples)]


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
    bench = Bench({"good": 97.0, "total": 100.0})

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    view = bench.evidence.view(RUN)
    tally: Tally = view.objectives["availability"].tally
    assert (tally.samples, tally.exceedances) == (100, 3)
    assert view.metrics_polled_at == EFFECT.until


async def test_an_objective_is_read_once_at_a_time() -> None:
    bench = Bench({"good": 1.0, "total": 1.0})

    bench.polls.start(KEY, RUN, EFFECT)
    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    assert sorted(bench.prometheus.asked) == ["good", "total"]


async def test_it_is_read_again_after_an_answer() -> None:
    bench = Bench({"good": 1.0, "total": 1.0})

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()
    bench.woken.clear()
    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    assert sorted(bench.prometheus.asked) == ["good", "good", "total", "total"]


@pytest.mark.parametrize("error", [Unavailable("away"), Refused("QueryInvalid", "a parse error")])
async def test_what_cannot_be_read_is_a_gap_in_the_evidence(error: DevPerfOpsError) -> None:
    bench = Bench(error)

    bench.polls.start(KEY, RUN, EFFECT)
    await bench.answer()

    gap = bench.evidence.view(RUN).objectives["availability"].gap
    assert gap is not None
    assert (gap.reason, gap.message) == ("PrometheusUnavailable", str(error))


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
