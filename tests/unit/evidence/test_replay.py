"""A replay of unchanged objectives is what happened: verdict, second and figures, to the last digit."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.api.perfrun import PastStatus, PerfRunStatus
from devperfops_operator.domain.estimate import estimated_looks
from devperfops_operator.domain.manifests.canonical import canonical_json
from devperfops_operator.domain.objectives import (
    BadEvents,
    FailedSamples,
    JudgedObjective,
    OverThreshold,
    RunPlan,
)
from devperfops_operator.domain.record import from_json, to_json
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.evidence.replay import replay
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.histogram import bucket_of, upper_edge
from devperfops_operator.wire.measurement import Block, Heartbeat, JMeterState, LabelStats, Push

RUN, NOW = "u-1", datetime(2026, 11, 25, tzinfo=UTC)
ONE = Fraction(1, 100)


def objective(name, counted, allowed=ONE):
    return JudgedObjective(name, name, counted, ShareTest(allowed, 0.001))


P99 = OverThreshold(0, Fraction(99, 100))
PLAN = RunPlan(
    workers=2,
    threads=50,
    ramp_up=timedelta(),
    duration=timedelta(seconds=60),
    rate_per_minute=None,
    thresholds=(Threshold(500, inclusive=True),),
    objectives=(
        objective("p99 < 500ms", P99),
        objective("pay", replace(P99, transaction="pay")),
        objective("errors < 1%", FailedSamples()),
        objective("good", BadEvents("ok", "all")),
    ),
    prometheus="monitoring",
)


def stats(times, errors=0):
    """The failed ones are the first, and fast."""
    over = min(len(times), errors + sum(time >= 500 for time in times))
    return LabelStats(len(times), errors, [over], [0], dict(Counter(map(bucket_of, times))))


PAST = (
    PastStatus(
        name="p99 < 500ms",
        runs=6,
        samples=9_000,
        independent_samples=2_000,
        long_range_percent=175,
        between_percent=120,
        scatter=(
            {"seconds": 1, "blocks": 600, "percent": 310},
            {"seconds": 5, "blocks": 120, "percent": 402},
        ),
        whole={"runs": 6, "samples": 120, "independentSamples": 48},
    ),
    PastStatus(name="pay", runs=1, samples=900, independent_samples=600),
)


def live(sent):
    """What happens under load, block by block; and the block's second in which each objective failed."""
    store, numbers, failed = EvidenceStore(), Counter(), {}
    store.open(RUN, PLAN, PerfRunStatus(past=PAST))
    for worker, second, labels in sent:
        block = Block(numbers[worker], second, labels=labels)
        store.accept(RUN, worker, Push((block,), Heartbeat(JMeterState.RUNNING, 0, 1_000, 2_000)), NOW)
        numbers[worker] += 1
        for name, seen in store.view(RUN).objectives.items():
            if seen.failed:
                failed.setdefault(name, second)
    return store, failed


def kept(store):
    return from_json(json.loads(canonical_json(to_json(store.record(RUN)))))


BLOCKS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 40),
        st.lists(st.integers(1, 900), min_size=1, max_size=8),
        st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_a_replay_is_what_happened(blocks):
    sent = [
        (worker, 1_000 + second, {"pay" if second % 2 else "cart": stats(times, errors=int(failed))})
        for worker, second, times, failed in blocks
    ]
    store, failed = live(sent)
    replayed = replay(kept(store), PLAN)
    seen = store.view(RUN).objectives
    assert set(replayed) == {"p99 < 500ms", "pay", "errors < 1%"}
    for name, again in replayed.items():
        assert not again.estimated
        assert (again.evidence.tally, again.evidence.failed, again.failed_at) == (
            seen[name].tally,
            seen[name].failed,
            failed.get(name),
        )
        assert again.evidence.quantile_ms == seen[name].quantile_ms
        assert again.evidence.independent == seen[name].independent


def test_of_a_changed_share_the_counts_are_as_exact():
    store, _ = live([(0, 1_000 + second, {"cart": stats([100] * 49 + [600])}) for second in range(60)])
    changed = replace(PLAN, objectives=(objective("p95 < 500ms", P99, Fraction(1, 20)),))
    again = replay(kept(store), changed)["p95 < 500ms"]
    assert (again.estimated, again.failed_at) == (False, None)
    assert (again.evidence.tally.samples, again.evidence.tally.exceedances) == (3_000, 60)


@pytest.mark.parametrize(("limit", "exceedances"), [(90, 3_000), (300, 60), (590, 60), (700, 0)])
def test_a_changed_limit_is_judged_by_histograms(limit, exceedances):
    store, _ = live([(0, 1_000 + second, {"cart": stats([100] * 49 + [600])}) for second in range(60)])
    changed = replace(
        PLAN, thresholds=(Threshold(limit, inclusive=True),), objectives=(objective("new", P99),)
    )
    again = replay(kept(store), changed)["new"]
    assert again.estimated
    assert (again.evidence.tally.samples, again.evidence.tally.exceedances) == (3_000, exceedances)


@settings(max_examples=40, deadline=None)
@given(BLOCKS, st.integers(1, 1_000))
def test_an_estimate_is_off_by_no_more_than_a_bucket_and_the_failed(blocks, limit):
    times = [time for _, _, times, _ in blocks for time in times]
    store, _ = live([(0, 1_000 + second, {"cart": stats(each)}) for _, second, each, _ in blocks])
    looks = estimated_looks(kept(store), P99, (Threshold(limit, inclusive=True),)) or []
    exceedances = sum(look.exceedances for look in looks)
    assert sum(look.samples for look in looks) == len(times)
    assert sum(time >= limit for time in times) <= exceedances
    assert exceedances <= sum(upper_edge(bucket_of(time)) > limit for time in times)


def test_nothing_is_made_up_about_a_transaction_nobody_kept():
    store, _ = live([(0, 1_000, {"cart": stats([100])})])
    other = objective("other", replace(P99, transaction="other"))
    assert replay(kept(store), replace(PLAN, objectives=(other,))) == {}
