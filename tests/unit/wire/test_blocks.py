from itertools import dropwhile, pairwise

from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.blocks import BlockBuilder
from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.histogram import bucket_of, merge
from devperfops_operator.wire.jtl import JtlRow
from devperfops_operator.wire.measurement import LABELS, OTHER, Block, LabelStats

THRESHOLDS = (
    Threshold(100, inclusive=True),
    Threshold(100, inclusive=False),
    Threshold(2000, inclusive=True),
)


NAMED = ("a", "c")


def sample(start: int, elapsed: int = 10, label: str = "GET /", *, success: bool = True) -> JtlRow:
    return JtlRow(start, elapsed, label, success)


def cut(
    rows: list[JtlRow], ramp_up_ms: int = 0, stop_ms: int | None = None, named: tuple[str, ...] = ()
) -> list[Block]:
    builder = BlockBuilder(THRESHOLDS, ramp_up_ms, stop_ms, named)
    blocks = list(builder.add(rows))
    return [*blocks, *builder.finish()]


rows = st.lists(
    st.builds(
        JtlRow,
        start_ms=st.integers(0, 9_000),
        elapsed_ms=st.integers(0, 5_000),
        label=st.sampled_from(["a", "b", "c"]),
        success=st.booleans(),
        controller=st.booleans(),
    ),
    max_size=60,
)
stops = st.none() | st.integers(0, 15_000)


def test_a_block_closes_at_the_first_row_of_a_later_second() -> None:
    builder = BlockBuilder(THRESHOLDS, 0)
    assert list(builder.add([sample(100), sample(980)])) == []
    [block] = builder.add([sample(1000)])
    assert (block.sequence, block.second, block.labels["GET /"].samples) == (0, 0, 2)
    assert builder.blocks == 1


def test_late_rows_go_to_the_open_block() -> None:
    first, second = cut([sample(500), sample(2500), sample(600), sample(2600)])
    assert (first.second, first.labels["GET /"].samples) == (0, 1)
    assert (second.second, second.labels["GET /"].samples) == (2, 3)


def test_rows_that_start_before_the_ramp_up_is_over_are_only_counted() -> None:
    [block] = cut(
        [sample(100), sample(199, 500, success=False), sample(200), sample(300, 20)], ramp_up_ms=100
    )
    assert (block.warmup_samples, block.warmup_errors) == (2, 1)
    assert block.labels["GET /"].samples == 2


def test_exceedances_are_exact_at_the_limit_and_failed_samples_exceed_all() -> None:
    [block] = cut([sample(0, 99), sample(0, 100), sample(0, 101), sample(0, 1, success=False)])
    assert block.labels["GET /"] == LabelStats(
        samples=4,
        errors=1,
        over=[3, 2, 1],
        censored_over=[0, 0, 0],
        histogram={bucket_of(elapsed): 1 for elapsed in (99, 100, 101, 1)},
        failed={bucket_of(1): 1},
    )


def test_rows_that_end_after_our_stop_exceed_what_they_were_over_by_then_and_are_nothing_else() -> None:
    blocks = cut(
        [
            sample(0, 10),
            sample(2700, 300),  # ended at the stop: measured
            sample(2950, 5000, success=False),  # 50 ms old: tells nothing
            sample(2800, 5000, success=False),  # 200 ms old: over 100
            sample(900, 2101, success=False),  # 2,100 ms old: over everything
            sample(3100, 1, success=False),  # began after the stop
        ],
        stop_ms=3000,
    )
    stats = [block.labels["GET /"] for block in blocks]
    assert [each.samples for each in stats] == [1, 1, 0]
    assert [each.errors for each in stats] == [0, 0, 0]
    assert [each.censored_over for each in stats] == [[0, 0, 0], [0, 0, 0], [2, 2, 1]]


def test_requests_of_the_ramp_up_that_our_stop_cut_off_tell_nothing() -> None:
    assert cut([sample(0, 5000, success=False)], ramp_up_ms=100, stop_ms=4000) == []


def test_above_a_thousand_labels_the_rest_is_other() -> None:
    [block] = cut([sample(0, 5, f"GET /item/{number}") for number in range(1_500)])
    assert len(block.labels) == LABELS + 1
    assert block.labels[OTHER].samples == 500
    assert block.labels["GET /item/999"].samples == 1


def test_a_label_keeps_its_name_in_later_blocks() -> None:
    many = [sample(0, 5, str(number)) for number in range(LABELS)]
    [_, late] = cut([*many, sample(1000, 5, "late"), sample(1000, 5, "7")])
    assert set(late.labels) == {OTHER, "7"}


def test_a_label_that_an_objective_names_is_told_apart_whatever_their_number() -> None:
    many = [sample(0, 5, f"GET /item/{number}") for number in range(1_500)]
    [block] = cut([*many, sample(0, 5, "GET /cart")], named=("GET /cart",))
    assert len(block.labels) <= LABELS + 1
    assert block.labels["GET /cart"].samples == 1


def test_a_transaction_controller_counts_only_where_it_is_named() -> None:
    found = [
        sample(0, 40, "GET /cart"),
        sample(50, 30, "POST /order", success=False),
        JtlRow(0, 150, "checkout", success=False, controller=True),
        JtlRow(0, 150, "browse", success=True, controller=True),
    ]
    builder = BlockBuilder(THRESHOLDS, 0, None, ("checkout",))
    assert list(builder.add(found)) == []
    (block,) = builder.finish()
    assert set(block.labels) == {"GET /cart", "POST /order"}
    found_in = {bucket_of(150): 1}
    assert block.controllers == {"checkout": LabelStats(1, 1, [1, 1, 1], [0, 0, 0], found_in, found_in)}
    assert (builder.rows, builder.errors) == (2, 1)


def test_judged_samples_are_counted_by_their_host() -> None:
    builder = BlockBuilder(THRESHOLDS, 100, 3_000, ("checkout",), "cart.shop.svc")
    hosts = ("cart", "cart.shop", "login", "", "cart")
    found = [
        sample(start)._replace(host=host)
        for start, host in zip((0, 100, 200, 300, 3_000), hosts, strict=True)
    ]
    found.append(JtlRow(200, 50, "checkout", success=True, controller=True, host=""))
    assert list(builder.add(found)) == []
    assert builder.hosts.counts == {"cart.shop.svc": 1, "login": 1}


def test_labels_are_cut_to_length() -> None:
    [block] = cut([sample(0, 5, "x" * 5_000)])
    assert set(block.labels) == {"x" * 200}


@given(rows, stops, st.integers(0, 3_000), st.integers(0, 60))
def test_blocks_do_not_depend_on_how_the_rows_arrive(
    found: list[JtlRow], stop, ramp_up: int, at: int
) -> None:
    builder = BlockBuilder(THRESHOLDS, ramp_up, stop, NAMED)
    blocks = [*builder.add(found[:at]), *builder.add(found[at:])]
    assert [*blocks, *builder.finish()] == cut(found, ramp_up, stop, NAMED)


@given(rows, stops, st.integers(0, 3_000))
def test_blocks_are_numbered_in_order_of_time_and_count_every_row_once(
    found: list[JtlRow], stop, ramp_up: int
) -> None:
    blocks = cut(found, ramp_up, stop)
    assert [block.sequence for block in blocks] == list(range(len(blocks)))
    assert all(earlier.second < later.second for earlier, later in pairwise(blocks))
    samplers = [each for each in found if not each.controller]
    ended = [each for each in samplers if stop is None or each.end_ms <= stop]
    judged = [each for each in ended if each.start_ms >= samplers[0].start_ms + ramp_up]
    stats = [each for block in blocks for each in block.labels.values()]
    assert sum(block.warmup_samples for block in blocks) == len(ended) - len(judged)
    assert sum(each.samples for each in stats) == len(judged)
    assert sum(each.errors for each in stats) == sum(not each.success for each in judged)
    for index, threshold in enumerate(THRESHOLDS):
        exceeding = [each for each in judged if not each.success or threshold.exceeded_by(each.elapsed_ms)]
        assert sum(each.over[index] for each in stats) == len(exceeding)
    assert merge(each.histogram for each in stats) == merge(
        {bucket_of(each.elapsed_ms): 1} for each in judged
    )


@given(rows, st.integers(0, 3_000), st.integers(0, 60))
def test_a_stop_later_than_what_was_read_changes_none_of_it(
    found: list[JtlRow], ramp_up: int, at: int
) -> None:
    """What the agent pushed before its stop is what it will rebuild afterwards."""
    builder = BlockBuilder(THRESHOLDS, ramp_up, None, NAMED)
    blocks = list(builder.add(found[:at]))
    stop = (builder.last_end_ms or 0) + 100
    builder.stop_ms = stop
    blocks += builder.add(found[at:])
    assert [*blocks, *builder.finish()] == cut(found, ramp_up, stop, NAMED)


@given(rows, stops, st.integers(0, 3_000))
def test_controllers_are_counted_under_their_name_and_nowhere_else(
    found: list[JtlRow], stop, ramp_up: int
) -> None:
    samplers = [each for each in found if not each.controller]
    blocks = cut(found, ramp_up, stop, NAMED)
    stats = [each for block in blocks for each in block.labels.values()]
    plain = [each for block in cut(samplers, ramp_up, stop) for each in block.labels.values()]
    for count in ("samples", "errors"):
        assert sum(getattr(each, count) for each in stats) == sum(getattr(each, count) for each in plain)
    known = dropwhile(lambda each: each.controller, found)
    judged = [
        each
        for each in known
        if each.controller
        and each.label in NAMED
        and each.start_ms >= samplers[0].start_ms + ramp_up
        and (stop is None or each.end_ms <= stop)
    ]
    named = [(name, each) for block in blocks for name, each in block.controllers.items()]
    for name in NAMED:
        assert sum(each.samples for label, each in named if label == name) == sum(
            each.label == name for each in judged
        )
    assert {label for label, _ in named} <= set(NAMED)


@given(rows, st.integers(0, 3_000), st.integers(1, 4_000))
def test_rows_of_two_rates_are_told_apart_by_when_they_began_and_none_is_lost(
    found: list[JtlRow], ramp_up: int, turn: int
) -> None:
    builder = BlockBuilder(THRESHOLDS, ramp_up, None, NAMED, level=lambda moment: int(moment >= turn))
    blocks = [*builder.add(found), *builder.finish()]
    assert [block.sequence for block in blocks] == list(range(len(blocks)))
    assert [(block.second, block.level) for block in blocks] == sorted(
        {(block.second, block.level) for block in blocks}
    )
    whole = cut(found, ramp_up, None, NAMED)
    judged = [row for row in found if not row.controller]
    assert sum(s.samples for block in blocks for s in block.labels.values()) == sum(
        s.samples for block in whole for s in block.labels.values()
    )
    if judged:
        begin = judged[0].start_ms + ramp_up
        above = [row for row in judged if row.start_ms >= begin + turn]
        assert sum(s.samples for block in blocks if block.level for s in block.labels.values()) == len(above)
