from random import Random

from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.threads import Held, Offered, Piece, ThreadUse

OFFERED = Offered(threads=5, per_minute=3_000)  # one each 20 ms


def held(*requests: tuple[int, int], offered: Offered = OFFERED, judged_ms: int = 20_000) -> Held:
    """Of requests given as (start, elapsed) in milliseconds."""
    use = ThreadUse(offered, judged_ms)
    for start, elapsed in requests:
        use.add(start, elapsed)
    (found,) = use.held()
    return found


def steady(begin: int, end: int, elapsed: int = 5) -> list[tuple[int, int]]:
    return [(start, elapsed) for start in range(begin, end, 20)]


def test_a_load_with_threads_to_spare_holds_nothing_back() -> None:
    assert held(*steady(0, 20_000)) == Held()


def test_a_stall_holds_back_what_was_due_while_all_threads_wait() -> None:
    stalled = [(5_000 + 20 * thread, 3_000) for thread in range(5)]
    late = [(8_000 + 5 * number, 5) for number in range(145)]
    found = held(*steady(0, 5_000), *stalled, *late, *steady(9_000, 20_000))
    assert found == Held(requests=125, time_ms=2_500, longest_ms=2_500)


def test_a_stall_with_threads_to_spare_is_in_the_latencies() -> None:
    stalled = [(start, 8_000 - start) for start, _ in steady(5_000, 8_000)]
    found = held(
        *steady(0, 5_000), *stalled, *steady(8_000, 20_000), offered=Offered(threads=200, per_minute=3_000)
    )
    assert found == Held()


def test_a_plan_that_opens_more_threads_than_it_was_given_holds_nothing_back() -> None:
    stalled = [(start, 8_000 - start) for start, _ in steady(5_000, 8_000)]
    assert held(*steady(0, 5_000), *stalled, *steady(8_000, 20_000)) == Held()


def test_slow_answers_that_keep_the_rate_hold_nothing_back() -> None:
    busy = [(start, 98) for start, _ in steady(0, 20_000)]
    assert held(*busy) == Held()


def test_what_lies_outside_of_the_judged_time_does_not_count() -> None:
    before = [(-4_000, 3_000)] * 5
    after = [(20_000, 9_000)] * 5
    assert held(*before, *steady(0, 20_000), *after) == Held()
    across = [(-4_000, 6_000)] * 5
    assert held(*across, *steady(2_000, 20_000)) == Held(requests=100, time_ms=2_000, longest_ms=2_000)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 400), st.integers(0, 8_000)), max_size=30),
    st.randoms(use_true_random=False),
)
def test_no_order_of_the_rows_matters_and_no_more_is_held_back_than_was_due(
    drawn: list[tuple[int, int, int]], random: Random
) -> None:
    free = [0] * 5
    requests = []
    for thread, pause, elapsed in drawn:
        requests.append((free[thread] + pause, elapsed))
        free[thread] += pause + elapsed
    found = held(*requests)
    random.shuffle(requests)
    assert held(*requests) == found
    assert found.requests <= found.time_ms / 20
    assert found.longest_ms <= found.time_ms <= 20_000


def test_what_is_due_follows_the_rate_and_is_told_by_level() -> None:
    pieces = (Piece(0, 1.0, 0), Piece(5_000, 4.0, 1), Piece(10_000, 1.0, 0))
    use = ThreadUse(Offered(5, 3_000, pieces), 15_000)
    for start, elapsed in [*steady(0, 6_000), *((6_000, 2_000),) * 5, *steady(8_000, 12_000)]:
        use.add(start, elapsed)
    for start, elapsed in [*((12_000, 2_000),) * 5, *steady(14_000, 15_000)]:
        use.add(start, elapsed)
    usual, rush = use.held()
    assert rush == Held(requests=395, time_ms=2_000, longest_ms=2_000)
    assert usual == Held(requests=95, time_ms=2_000, longest_ms=2_000)
