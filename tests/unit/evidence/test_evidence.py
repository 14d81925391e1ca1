"""Evidence of live runs: counted once whatever the network does, the same after every restart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.counters import counted
from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.looks import Look
from devperfops_operator.analysis.series import Series
from devperfops_operator.api.perfrun import (
    ObjectiveStatus,
    ObjectiveTotals,
    PastStatus,
    PerfRunStatus,
    WorkerStatus,
)
from devperfops_operator.domain.errors import Unavailable
from devperfops_operator.domain.objectives import (
    BadEvents,
    FailedSamples,
    JudgedObjective,
    OverThreshold,
    RunPlan,
)
from devperfops_operator.domain.observed import Evidence, Problem
from devperfops_operator.domain.past import told_scatter
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.histogram import bucket_of, upper_edge
from devperfops_operator.wire.measurement import (
    Block,
    Fault,
    Final,
    Heartbeat,
    JMeterState,
    LabelStats,
    LoadEnd,
    Push,
)

RUN = "b1c7"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SLOW, BAD, GOOD = "p99 < 2s", "errors < 0.5%", "availability"

PLAN = RunPlan(
    workers=2,
    threads=50,
    ramp_up=timedelta(seconds=10),
    duration=timedelta(seconds=60),
    rate_per_minute=Fraction(3000),
    thresholds=(Threshold(500, inclusive=False), Threshold(2000, inclusive=True)),
    objectives=(
        JudgedObjective(SLOW, SLOW, OverThreshold(1, Fraction(99, 100)), ShareTest(Fraction(1, 100), 0.001)),
        JudgedObjective(BAD, BAD, FailedSamples(), ShareTest(Fraction(5, 1000), 0.001)),
        JudgedObjective(GOOD, "good >= 99%", BadEvents("ok", "all"), ShareTest(Fraction(1, 100), 0.001)),
    ),
    prometheus="monitoring",
)

BEAT = Heartbeat(JMeterState.RUNNING, rows=10, first_start_ms=1_000, last_end_ms=9_000)


def stats(samples, slow=0, errors=0, censored=0):
    histogram = {bucket_of(100): samples - slow, bucket_of(2500): slow}
    return LabelStats(samples, errors, [samples, slow], [censored, censored], histogram)


def block(sequence, samples=50, second=None, **counts):
    return Block(
        sequence, 1000 + sequence if second is None else second, labels={"GET /": stats(samples, **counts)}
    )


FRESH = PerfRunStatus()


def opened(stored=FRESH):
    store = EvidenceStore()
    store.open(RUN, PLAN, stored)
    return store


def send(store, *blocks, worker=0, final=None, beat=BEAT):
    return store.accept(RUN, worker, Push(blocks, beat, final), NOW).want


def final_of(blocks):
    errors = sum(stats.errors for block in blocks for stats in block.labels.values())
    return Final(len(blocks), rows=10, errors=errors, end=LoadEnd.COMPLETED, truncated=False)


def totals_of(store):
    """What the operator stores of complete workers, as `decide_run` does."""
    seen = store.view(RUN)
    workers = [
        WorkerStatus(
            index=w.index,
            rows=w.rows,
            errors=w.errors,
            judged_samples=w.judged_samples,
            judged_errors=w.judged_errors,
            blocks=w.blocks,
            end=w.final.end,
            truncated=w.final.truncated,
            first_start=w.first_start,
            last_end=w.last_end,
            fault=w.fault,
            objectives=tuple(
                ObjectiveTotals(
                    name=name,
                    samples=tally.samples,
                    exceedances=tally.exceedances,
                    exceedance_seconds=tally.exceedance_seconds,
                    unanswered=w.unanswered[name],
                )
                for name, tally in w.tallies.items()
            ),
        )
        for w in seen.workers
        if w.complete
    ]
    objectives = [
        ObjectiveStatus(name=name, expect=name, scatter=told_scatter(each.scatter))
        for name, each in seen.objectives.items()
    ]
    return PerfRunStatus(workers=tuple(workers), objectives=tuple(objectives))


def tallies(store):
    return {name: objective.tally for name, objective in store.view(RUN).objectives.items()}


def failed(store):
    return {name for name, objective in store.view(RUN).objectives.items() if objective.failed}


# --- counting -------------------------------------------------------------------------------------------


def test_blocks_become_tallies_per_objective():
    store = opened()
    assert send(store, block(0, slow=2, errors=1), block(1), block(2, slow=1)) == 3
    assert tallies(store) == {SLOW: Tally(150, 3, 2), BAD: Tally(150, 1, 1), GOOD: Tally()}


def test_labels_of_a_block_are_added_up():
    store = opened()
    send(store, Block(0, 1000, labels={"GET /": stats(10, slow=1), "GET /cart": stats(20, slow=2)}))
    assert tallies(store)[SLOW] == Tally(30, 3, 1)


def test_censored_samples_are_exceedances_and_nothing_else():
    store = opened()
    send(store, block(0, samples=10, censored=4))
    assert tallies(store)[SLOW] == Tally(14, 4, 1)
    assert tallies(store)[BAD] == Tally(10)
    assert store.view(RUN).workers[0].judged_samples == 10


def test_of_the_exceedances_those_without_an_answer_are_known():
    store = opened()
    send(store, block(0, samples=10, slow=2, censored=4))
    evidence = store.view(RUN).objectives
    assert (evidence[SLOW].tally, evidence[SLOW].unanswered) == (Tally(14, 6, 1), 4)
    assert evidence[SLOW].answered.tally == Tally(10, 2, 1)
    assert evidence[BAD].unanswered == 0


def test_warmup_is_not_judged_but_its_errors_are_told():
    store = opened()
    send(store, Block(0, 1000, warmup_samples=20, warmup_errors=3), block(1, samples=10, errors=1))
    worker = store.view(RUN).workers[0]
    assert (worker.errors, worker.judged_samples, worker.judged_errors) == (4, 10, 1)
    assert tallies(store)[BAD] == Tally(10, 1, 1)


def test_exceedances_of_two_workers_in_one_second_are_in_one_second():
    store = opened()
    send(store, block(0, second=1000, slow=1), worker=0)
    send(store, block(0, second=1000, slow=1), block(1, second=1001, slow=1), worker=1)
    assert tallies(store)[SLOW] == Tally(150, 3, 2)


def test_clocks_that_differ_do_not_make_one_stall_many():
    """Three bad seconds of the target, on two nodes whose clocks are 40 s apart."""
    store = opened()
    for worker, clock in enumerate((1000, 1040)):
        beat = replace(BEAT, first_start_ms=clock * 1000)
        blocks = (block(n, second=clock + n, samples=10, slow=10) for n in range(3))
        send(store, *blocks, worker=worker, beat=beat)
    assert tallies(store)[SLOW] == Tally(60, 60, 3)
    assert failed(store) == set()


def test_observed_quantile_is_that_of_all_workers():
    store = opened()
    send(store, block(0, samples=98), worker=0)
    assert store.view(RUN).objectives[SLOW].quantile_ms == 100
    send(store, block(0, samples=2, slow=2), worker=1)
    assert store.view(RUN).objectives[SLOW].quantile_ms == upper_edge(bucket_of(2500)) - 1
    assert store.view(RUN).objectives[BAD].quantile_ms is None


def test_no_sample_no_quantile():
    assert opened().view(RUN).objectives[SLOW].quantile_ms is None


@pytest.mark.parametrize(
    "misfit",
    [
        LabelStats(5, 0, [0], [0, 0]),
        LabelStats(5, 0, [0, 0], [0]),
    ],
)
def test_a_block_that_does_not_fit_the_plan_is_refused_with_its_whole_push(misfit):
    store = opened()
    with pytest.raises(ValueError, match="block 1, label 'odd'"):
        send(store, block(0), Block(1, 1001, labels={"odd": misfit}))
    assert store.view(RUN).workers == ()
    assert send(store) == 0


# --- the sequential test ---------------------------------------------------------------------------------


def test_a_failed_objective_stays_failed():
    store = opened()
    send(store, *(block(n, samples=10, slow=10) for n in range(5)))
    assert failed(store) == {SLOW}
    send(store, *(block(n, samples=10_000) for n in range(5, 30)))
    assert not PLAN.objectives[0].test.fails(tallies(store)[SLOW])
    assert failed(store) == {SLOW}


def test_every_block_is_looked_at_even_when_they_come_in_one_push():
    store = opened()
    bad = [block(n, samples=10, slow=10) for n in range(5)]
    send(store, *bad, *(block(n, samples=10_000) for n in range(5, 30)))
    assert failed(store) == {SLOW}


def test_workers_are_judged_together():
    store = opened()
    for worker, seconds in ((0, (1000, 1001, 1002)), (1, (1003, 1004))):
        assert failed(store) == set()
        bad = (block(n, samples=10, second=at, slow=10) for n, at in enumerate(seconds))
        send(store, *bad, worker=worker)
    assert failed(store) == {SLOW}


# --- what the network does -------------------------------------------------------------------------------

counts = st.tuples(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 2))


@st.composite
def streams(draw, most=25):
    """One worker's blocks."""
    return [
        block(n, samples, slow=min(slow, samples), errors=min(errors, samples), censored=censored)
        for n, (samples, slow, errors, censored) in enumerate(draw(st.lists(counts, max_size=most)))
    ]


def deliver(store, stream, worker=0):
    """As an agent does: send from the block that is wanted."""
    want = send(store, worker=worker)
    send(store, *stream[want:], worker=worker, final=final_of(stream))


@given(streams(), st.data())
def test_resent_reordered_and_split_pushes_change_nothing(stream, data):
    straight, shaken = opened(), opened()
    deliver(straight, stream)
    cuts = st.integers(0, len(stream))
    for start, end in data.draw(st.lists(st.tuples(cuts, cuts), max_size=12)):
        part = data.draw(st.permutations(stream[start:end]))
        assert send(shaken, *part) <= len(stream)
    deliver(shaken, stream)
    deliver(shaken, stream)
    assert shaken.view(RUN) == straight.view(RUN)


@given(streams(most=12), streams(most=12), st.randoms())
def test_the_order_in_which_workers_arrive_does_not_matter(first, second, random):
    one_by_one, mixed = opened(), opened()
    deliver(one_by_one, first, worker=0)
    deliver(one_by_one, second, worker=1)
    turns = [0] * len(first) + [1] * len(second)
    random.shuffle(turns)
    at = [0, 0]
    for worker in turns:
        send(mixed, (first, second)[worker][at[worker]], worker=worker)
        at[worker] += 1
    deliver(mixed, first, worker=0)
    deliver(mixed, second, worker=1)
    assert tallies(mixed) == tallies(one_by_one)
    assert mixed.view(RUN).workers == one_by_one.view(RUN).workers
    assert mixed.view(RUN).objectives[SLOW].quantile_ms == one_by_one.view(RUN).objectives[SLOW].quantile_ms


def test_a_gap_is_waited_for():
    store = opened()
    assert send(store, block(0), block(2)) == 1
    assert send(store, block(2)) == 1
    assert send(store, block(1), block(2)) == 3
    assert tallies(store)[SLOW].samples == 150


def test_a_heartbeat_that_was_overtaken_takes_nothing_back():
    store = opened()
    later = Heartbeat(JMeterState.ENDED, rows=50, first_start_ms=1_000, last_end_ms=60_000)
    send(store, beat=later)
    store.accept(RUN, 0, Push((), Heartbeat(JMeterState.WAITING, 0, None, None)), NOW - timedelta(seconds=5))
    worker = store.view(RUN).workers[0]
    assert (worker.jmeter, worker.rows, worker.heard_at) == (JMeterState.ENDED, 50, NOW)
    assert worker.first_start == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert worker.last_end == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)


def test_a_fault_once_told_stays_and_is_known_after_a_restart():
    store = opened()
    send(store, beat=replace(BEAT, fault=Fault.DISK_FULL))
    send(store, final=final_of([]), beat=BEAT)
    assert store.view(RUN).workers[0].fault is Fault.DISK_FULL
    assert opened(totals_of(store)).view(RUN).workers[0].fault is Fault.DISK_FULL


def test_when_new_rows_were_heard_of_is_told_by_our_clock():
    store = opened()
    send(store, beat=BEAT)
    for later_s, rows in ((5, 10), (9, 11), (20, 11)):
        beat = replace(BEAT, rows=rows, last_end_ms=10**12)
        store.accept(RUN, 0, Push((), beat), NOW + timedelta(seconds=later_s))
    worker = store.view(RUN).workers[0]
    assert (worker.answered_at, worker.heard_at) == (NOW + timedelta(seconds=9), NOW + timedelta(seconds=20))


def test_a_worker_is_complete_when_its_last_block_is_there():
    store = opened()
    blocks = [block(0), block(1)]
    send(store, blocks[0], final=final_of(blocks))
    assert not store.view(RUN).workers[0].complete
    send(store, blocks[1])
    assert store.view(RUN).workers[0].complete


def test_the_first_final_is_the_last_word():
    store = opened()
    first = final_of([block(0)])
    send(store, block(0), final=first)
    send(store, final=replace(first, end=LoadEnd.DIED))
    assert store.view(RUN).workers[0].final == first


# --- restarts --------------------------------------------------------------------------------------------


@given(streams(), st.integers(0, 25))
def test_a_restart_in_mid_run_begins_anew_and_ends_the_same(stream, before):
    straight, lost, restarted = opened(), opened(), opened()
    deliver(straight, stream)
    send(lost, *stream[:before])
    deliver(restarted, stream)
    assert restarted.view(RUN) == straight.view(RUN)


@given(streams())
def test_stored_totals_stand_in_for_a_finished_worker(stream):
    straight = opened()
    deliver(straight, stream)
    restarted = opened(totals_of(straight))
    assert tallies(restarted) == tallies(straight)
    (before,), (after,) = straight.view(RUN).workers, restarted.view(RUN).workers
    assert after.complete
    assert after.tallies == before.tallies
    for kept in ("rows", "errors", "judged_samples", "judged_errors", "blocks", "first_start", "final"):
        assert getattr(after, kept) == getattr(before, kept)


def test_stored_totals_know_what_had_no_answer():
    straight = opened()
    deliver(straight, [block(0, slow=2, censored=3)])
    assert opened(totals_of(straight)).view(RUN).objectives[SLOW].unanswered == 3


def test_stored_totals_are_worth_as_much_as_the_blocks_were():
    """A stall is one event also after a restart of ours."""
    straight = opened()
    deliver(straight, [block(n, slow=40 if n == 7 else 0) for n in range(60)])
    before = straight.view(RUN).objectives[SLOW]
    after = opened(totals_of(straight)).view(RUN).objectives[SLOW]
    assert before.design_effect > 20
    assert after.design_effect == pytest.approx(before.design_effect, rel=0.03)
    assert after.independent.samples <= before.independent.samples + 1


def test_stored_totals_can_still_fail():
    straight = opened()
    deliver(straight, [block(n, slow=50) for n in range(6)])
    assert failed(opened(totals_of(straight))) == failed(straight) == {SLOW}


def test_one_worker_stored_and_one_alive():
    both = opened()
    first, second = [block(0, slow=1), block(1, slow=1)], [block(0), block(1), block(2, slow=1)]
    deliver(both, first, worker=0)
    restarted = opened(totals_of(both))
    deliver(both, second, worker=1)
    deliver(restarted, second, worker=1)
    assert tallies(both)[SLOW] == Tally(250, 3, 3)
    assert tallies(restarted)[SLOW] == Tally(250, 3, 2)  # which seconds were stored is not known: the fewest
    assert restarted.view(RUN).objectives[SLOW].quantile_ms is None


def test_stored_totals_do_not_count_twice_beside_the_live_worker():
    store = opened()
    deliver(store, [block(0, slow=1)])
    before = store.view(RUN)
    store.open(RUN, PLAN, totals_of(store))
    assert store.view(RUN) == before


def test_stored_totals_replace_a_worker_of_whom_not_all_is_here():
    straight, restarted = opened(), opened()
    stream = [block(n, slow=1) for n in range(4)]
    deliver(straight, stream)
    send(restarted, *stream[:2])
    restarted.open(RUN, PLAN, totals_of(straight))
    assert tallies(restarted) == tallies(straight)
    assert send(restarted, *stream) == 4
    assert tallies(restarted) == tallies(straight)


# --- counters --------------------------------------------------------------------------------------------


def counter(code, *values):
    return Series(
        {"job": "web", "instance": "a:80", "code": code}, [(15.0 * n, v) for n, v in enumerate(values)]
    )


def test_counters_are_counted_afresh_at_each_poll():
    store = opened()
    ok, bad = counter("200", 5, 105, 205), counter("500", 0, 1, 1)
    for _ in range(2):
        store.accept_counters(RUN, GOOD, counted([ok], [ok, bad]), (), NOW)
    assert tallies(store)[GOOD] == Tally(201, 1, 1)


def test_counters_tell_how_long_they_were_scraped():
    store = opened()
    ok = counter("200", 5, 105, 205, 305)
    store.accept_counters(RUN, GOOD, counted([ok], [ok]), (), NOW)
    assert store.view(RUN).objectives[GOOD].covered == timedelta(seconds=30)


def test_counters_that_failed_once_stay_failed():
    store = opened()
    ok, bad = [0, 100, 200, 300, 400, 500], [0, 10, 20, 30, 40, 50]
    store.accept_counters(
        RUN, GOOD, counted([counter("200", *ok)], [counter("200", *ok), counter("500", *bad)]), (), NOW
    )
    assert failed(store) == {GOOD}
    longer = counter("200", *ok, 10**6)
    store.accept_counters(RUN, GOOD, counted([longer], [longer, counter("500", *bad, 50)]), (), NOW)
    assert failed(store) == {GOOD}
    store.poll_failed(RUN, GOOD, Problem("PrometheusUnavailable", "no answer"), NOW)
    assert failed(store) == {GOOD}
    store.accept_counters(RUN, GOOD, counted([longer], [longer]), (), NOW)  # Prometheus has lost the errors
    assert failed(store) == {GOOD}


def test_each_scrape_is_looked_at():
    store = opened()
    ok, bad = [0, 100, 200, 300, 400, 500, 10**6], [0, 10, 20, 30, 40, 50, 50]
    store.accept_counters(
        RUN, GOOD, counted([counter("200", *ok)], [counter("200", *ok), counter("500", *bad)]), (), NOW
    )
    assert not PLAN.objectives[2].test.fails(tallies(store)[GOOD])
    assert failed(store) == {GOOD}


def test_a_gap_is_told_keeps_the_count_and_closes_again():
    store = opened()
    ok = counter("200", 0, 100)
    store.accept_counters(RUN, GOOD, counted([ok], [ok]), (), NOW)
    store.poll_failed(RUN, GOOD, Problem("NotANumber", "what is that?"), NOW)
    observed = store.view(RUN).objectives[GOOD]
    assert (observed.gap.reason, observed.tally) == ("NotANumber", Tally(100))
    store.accept_counters(RUN, GOOD, counted([ok], [ok]), (), NOW)
    assert store.view(RUN).objectives[GOOD].gap is None


def test_counters_of_which_a_target_was_not_scraped_are_a_gap_and_a_fail_all_the_same():
    store = opened()
    ok, bad = [0, 100, 200, 300, 400, 500], [0, 10, 20, 30, 40, 50]
    missing = ["cart-1-a", "cart-1-b", "cart-1-c", "cart-1-d"]
    store.accept_counters(RUN, GOOD, counted([counter("200", *ok)], [counter("200", *ok)]), missing, NOW)
    observed = store.view(RUN).objectives[GOOD]
    assert observed.tally == Tally(500)
    assert observed.gap.reason == "PrometheusUnavailable"
    assert "could not scrape cart-1-a, cart-1-b, cart-1-c and 1 more" in observed.gap.message
    both = [counter("200", *ok), counter("500", *bad)]
    store.accept_counters(RUN, GOOD, counted(both[:1], both), missing, NOW)
    assert failed(store) == {GOOD}


def test_metrics_are_polled_when_every_counter_objective_has_been():
    second = replace(PLAN.objectives[2], name="cart")
    store = EvidenceStore()
    store.open(RUN, replace(PLAN, objectives=(*PLAN.objectives, second)))
    ok = counter("200", 0, 100)
    store.accept_counters(RUN, GOOD, counted([ok], [ok]), (), NOW + timedelta(seconds=9))
    assert store.view(RUN).metrics_polled_at is None
    store.poll_failed(RUN, "cart", Problem("PrometheusUnavailable", "no answer"), NOW)
    assert store.view(RUN).metrics_polled_at == NOW


# --- opening and closing ---------------------------------------------------------------------------------


def test_prepared_workers_are_seen_in_order():
    store = opened()
    store.prepared(RUN, 1, NOW)
    store.prepared(RUN, 0, NOW)
    assert [(w.index, w.prepared, w.heard_at) for w in store.view(RUN).workers] == [
        (0, True, NOW),
        (1, True, NOW),
    ]


def test_opening_again_keeps_what_is_there():
    store = opened()
    send(store, block(0))
    store.open(RUN, PLAN)
    assert tallies(store)[SLOW] == Tally(50)


def test_a_closed_run_is_forgotten():
    store = opened()
    send(store, block(0))
    store.close(RUN)
    assert not store.is_open(RUN)
    assert store.view(RUN) == Evidence()
    with pytest.raises(Unavailable):
        send(store, block(1))
    store.open(RUN, PLAN)
    assert send(store) == 0


def test_a_view_does_not_change_any_more():
    store = opened()
    send(store, block(0, slow=1))
    before = store.view(RUN)
    shown = (before.workers[0].tallies[SLOW], before.objectives[SLOW])
    send(store, block(1, slow=1))
    assert (before.workers[0].tallies[SLOW], before.objectives[SLOW]) == shown
    assert store.view(RUN) != before


# --- transactions ---------------------------------------------------------------------------------------

CART = "cart"
TRANSACTIONS = replace(
    PLAN,
    workers=1,
    objectives=(
        JudgedObjective(SLOW, SLOW, OverThreshold(1, Fraction(99, 100)), ShareTest(Fraction(1, 100), 0.001)),
        JudgedObjective(
            CART, SLOW, OverThreshold(1, Fraction(99, 100), "GET /cart"), ShareTest(Fraction(1, 100), 0.001)
        ),
        JudgedObjective("buy", BAD, FailedSamples("checkout"), ShareTest(Fraction(5, 1000), 0.001)),
    ),
)


def shopping(sequence, *, cart=10, slow=0, checkouts=5, broken=0):
    return Block(
        sequence,
        1000 + sequence,
        labels={"GET /": stats(40), "GET /cart": stats(cart, slow=slow)},
        controllers={"checkout": stats(checkouts, errors=broken)} if checkouts else {},
    )


def shop(stored=FRESH):
    store = EvidenceStore()
    store.open(RUN, TRANSACTIONS, stored)
    return store


def test_a_transaction_is_judged_by_its_own_samples_and_adds_nothing_to_the_others():
    store = shop()
    send(store, shopping(0, slow=3, broken=1), shopping(1))
    assert tallies(store) == {SLOW: Tally(100, 3, 1), CART: Tally(20, 3, 1), "buy": Tally(10, 1, 1)}
    (worker,) = store.view(RUN).workers
    assert (worker.judged_samples, worker.errors) == (100, 0)


def test_a_transaction_has_a_percentile_of_its_own():
    store = shop()
    send(store, shopping(0, cart=20, slow=20))
    of_all, of_cart = (store.view(RUN).objectives[name].quantile_ms for name in (SLOW, CART))
    assert of_cart == of_all == upper_edge(bucket_of(2500)) - 1
    send(store, *(shopping(number, cart=0) for number in range(1, 100)))
    assert store.view(RUN).objectives[SLOW].quantile_ms == upper_edge(bucket_of(100)) - 1
    assert store.view(RUN).objectives[CART].quantile_ms == of_cart


def test_a_slow_transaction_fails_though_the_whole_is_fast_enough():
    store = shop()
    send(store, *(shopping(number, slow=2 * (number % 2)) for number in range(20)))
    assert failed(store) == {CART}


def test_stored_totals_stand_in_for_a_transactions_samples():
    before = shop()
    blocks = [shopping(number, slow=1, broken=1) for number in range(3)]
    send(before, *blocks, final=final_of(blocks))
    after = shop(totals_of(before))
    assert tallies(after) == tallies(before)
    assert after.view(RUN).objectives[CART].quantile_ms is None


def test_a_name_that_no_sample_has_is_told_with_those_there_are():
    store = shop()
    send(store, shopping(0, checkouts=0))
    assert store.view(RUN).objectives["buy"].gap == Problem(
        "NoSamples", "no judged sample has this name; the samplers are called GET /, GET /cart"
    )
    send(store, shopping(1))
    assert store.view(RUN).objectives["buy"].gap is None


def test_controllers_that_do_not_fit_the_plan_are_refused():
    store = shop()
    odd = Block(0, 1000, labels={}, controllers={"checkout": LabelStats(5, 0, [0], [0])})
    with pytest.raises(ValueError, match="checkout"):
        send(store, odd)


# --- what is kept -----------------------------------------------------------------------------------------


def test_the_record_has_every_look_in_the_order_they_came():
    store = opened()
    send(store, block(0, slow=2, errors=1), block(1))
    send(store, block(0, slow=1, censored=1), worker=1)
    record = store.record(RUN)
    over, bad = (list(series.looks()) for series in record.series.values())
    assert over == [Look(0, 1000, 50, 2), Look(0, 1001, 50, 0), Look(1, 1000, 51, 2)]
    assert [look.exceedances for look in bad] == [1, 0, 0]
    assert record.profile.histogram("GET /") == {bucket_of(100): 147, bucket_of(2500): 3}
    assert record.missing == ()


def test_the_record_says_what_a_restart_has_taken():
    before = opened()
    send(before, block(0), final=final_of([block(0)]))
    record = opened(totals_of(before)).record(RUN)
    assert [list(series.looks()) for series in record.series.values()] == [[], []]
    assert record.missing == ("the blocks of worker 0: the operator was restarted and has only their totals",)


def test_what_past_runs_told_counts_where_this_one_saw_no_stall():
    """And it is not learned again from this one."""
    fresh, experienced = opened(), EvidenceStore()
    past = PastStatus(name=SLOW, runs=1, samples=30_000, independent_samples=1_000)
    experienced.open(RUN, PLAN, PerfRunStatus(past=(past,)))
    for store in (fresh, experienced):
        deliver(store, [block(n, slow=n % 2) for n in range(60)])
    one, other = fresh.view(RUN).objectives[SLOW], experienced.view(RUN).objectives[SLOW]
    assert (one.own_effect, one.tally) == (other.own_effect, other.tally)
    assert other.independent.samples <= one.tally.samples / 30 < one.independent.samples
    assert totals_of(experienced) == totals_of(fresh)
