"""The figures beside those of an independent implementation: lists of all values, sorted."""

import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devperfops_operator.analysis.jtl.compare import ENOUGH, Finding, compare
from devperfops_operator.analysis.jtl.document import SCHEMA, comparison_of, document_of
from devperfops_operator.analysis.jtl.layout import Layout
from devperfops_operator.analysis.jtl.piece import read_piece
from devperfops_operator.analysis.jtl.report import PERCENTILES, Apdex, Figures, Report, report_of
from devperfops_operator.analysis.jtl.summary import Summary
from tests.unit.analysis.jtl.test_reading import TRANSACTION, padded
from tests.unit.wire.jtl_text import jtl, line, row

Row = dict[str, object]


def summary_of(*rows: Row) -> Summary:
    found = found_in(rows)
    assert found is not None
    return found


def found_in(rows: Sequence[Row]) -> Summary | None:
    """None: there are only rows that count nowhere, such as a transaction without a request."""
    found = read_piece(padded(b"".join(map(line, rows))), Layout.of(jtl()))
    assert found.malformed == 0
    return found.summary


def report(*rows: Row) -> Report:
    return report_of(summary_of(*rows), Apdex())


def drawn(seed: int, count: int, labels: int) -> list[Row]:
    """A test with slow tails, bursts of errors, sizes, transactions and empty transactions."""
    lot = random.Random(seed)
    rows: list[Row] = []
    for number in range(count):
        elapsed = int(lot.lognormvariate(5, 1.2))
        failed = lot.random() < 0.05
        code, message = lot.choice([(500, "Internal Server Error"), (503, 'No, "busy"'), (200, "OK")])
        fields: Row = {"bytes": lot.randrange(10**6), "sentBytes": lot.randrange(2_000)}
        if failed:
            fields |= {"responseCode": code, "responseMessage": message, "failureMessage": "late\nby 2 s"}
        if number % 10 == 9:
            fields |= {"URL": "null", "responseMessage": TRANSACTION.format(number % 3)}
        label = f"GET /{lot.randrange(labels)}"
        rows.append(row(number * 17 + lot.randrange(500), elapsed, label, success=not failed, **fields))
    return rows


def is_controller(each: Row) -> bool:
    return str(each["responseMessage"]).startswith("Number of samples")


def is_empty(each: Row) -> bool:
    return str(each["responseMessage"]).startswith(TRANSACTION.format(0)[:36])


def check(figures: Figures, rows: list[Row]) -> None:
    times = sorted(int(str(each["elapsed"])) for each in rows)
    good = [int(str(each["elapsed"])) for each in rows if each["success"] == "true"]
    starts = [int(str(each["timeStamp"])) for each in rows]
    ends = [int(str(each["timeStamp"])) + int(str(each["elapsed"])) for each in rows]
    assert (figures.samples, figures.errors) == (len(rows), len(rows) - len(good))
    assert figures.mean_ms == statistics.mean(times)
    assert (figures.min_ms, figures.max_ms) == (times[0], times[-1])
    assert figures.percentiles_ms == tuple(
        times[math.ceil(percent * len(times) / 100) - 1] for percent in PERCENTILES
    )
    satisfied = sum(time <= 500 for time in good)
    tolerated = sum(500 < time <= 1500 for time in good)
    assert figures.apdex == (satisfied + tolerated / 2) / len(rows)
    duration = (max(ends) - min(starts)) / 1000
    if duration:
        assert figures.throughput == len(rows) / duration
        assert (
            figures.per_second(figures.received_bytes)
            == sum(int(str(each["bytes"])) for each in rows) / duration
        )
        assert figures.sent_bytes == sum(int(str(each["sentBytes"])) for each in rows)
    kinds = Counter(_kind(each) for each in rows if each["success"] == "false")
    assert {each.kind: each.count for each in figures.errors_by_kind} == kinds


def _kind(each: Row) -> object:
    if each["responseCode"] == 200:
        return each["failureMessage"]
    return f"{each['responseCode']}/{each['responseMessage']}"


@pytest.mark.parametrize(
    ("seed", "count", "labels"), [(1, 2_000, 1), (2, 5_000, 500), (3, 1, 1), (4, 3_000, 7)]
)
def test_all_figures_are_those_of_all_values_sorted(seed: int, count: int, labels: int) -> None:
    rows = drawn(seed, count, labels)
    found = report(*rows)
    kept = [each for each in rows if not is_empty(each)]
    by_name = defaultdict(list)
    for each in kept:
        by_name[each["label"], is_controller(each)].append(each)
    assert {(each.name, each.controller) for each in found.transactions} == set(by_name)
    for each in found.transactions:
        check(each.figures, by_name[each.name, each.controller])
    assert found.total is not None
    check(found.total, [each for each in kept if not is_controller(each)])


def test_seconds_and_minutes_are_those_of_the_ends() -> None:
    rows = drawn(5, 4_000, 3)
    requests = [each for each in rows if not is_controller(each)]
    found = report(*rows)
    for series, length in ((found.seconds, 1_000), (found.minutes, 60_000)):
        groups = _by_end(requests, length)
        assert series.at == tuple(sorted(groups))
        assert series.samples == tuple(len(groups[at]) for at in series.at)
        assert series.errors == tuple(
            sum(each["success"] == "false" for each in groups[at]) for at in series.at
        )
        assert series.mean_ms == [statistics.mean(map(_elapsed, groups[at])) for at in series.at]
    groups = _by_end(requests, 60_000)
    for at, percentiles in zip(found.minutes.at, found.minute_percentiles_ms, strict=True):
        times = sorted(map(_elapsed, groups[at]))
        assert percentiles == tuple(times[math.ceil(p * len(times) / 100) - 1] for p in PERCENTILES)
    for transaction, series in zip(found.transactions, found.transaction_minutes, strict=True):
        assert sum(series.samples) == transaction.figures.samples


def _elapsed(each: Row) -> int:
    return int(str(each["elapsed"]))


def _by_end(rows: list[Row], length: int) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for each in rows:
        groups[(int(str(each["timeStamp"])) + _elapsed(each)) // length].append(each)
    return groups


@given(st.lists(st.integers(0, 60), max_size=4), st.randoms(use_true_random=False))
@example([39, 40], random.Random(1))
def test_pieces_in_any_number_and_order_make_the_same_report(cuts: list[int], lot: random.Random) -> None:
    rows = drawn(6, 60, 4)
    borders = sorted({0, *cuts, 60})
    found = [found_in(rows[begin:end]) for begin, end in pairwise(borders)]
    parts = [summary for summary in found if summary is not None]
    lot.shuffle(parts)
    assert report_of(Summary.merged(parts), Apdex()) == report(*rows)


def test_apdex_thresholds_can_be_set() -> None:
    summary = summary_of(row(0, 100), row(1, 101), row(2, 400), row(3, 401), row(4, 1, success=False))
    total = report_of(summary, Apdex(100, 400)).total
    assert total is not None
    assert total.apdex == (1 + 2 / 2) / 5


def test_a_transaction_shows_its_five_most_frequent_errors() -> None:
    rows = [
        row(0, 1, success=False, responseMessage=f"m{each}") for each in range(7) for _ in range(each + 1)
    ]
    document = document_of(report(*rows))
    top = document["transactions"][0]["topErrors"]
    assert [(each["type"], each["count"]) for each in top] == [
        (f"500/m{each}", each + 1) for each in (6, 5, 4, 3, 2)
    ]
    assert len(document["total"]["errorTypes"]) == 7


def test_controllers_alone_have_no_total() -> None:
    found = report(row(0, 5, URL="null", responseMessage=TRANSACTION.format(1)))
    assert found.total is None
    document = document_of(found)
    assert document["schema"] == SCHEMA
    assert (document["total"], document["seconds"]["second"], document["minutes"]["p50Ms"]) == (None, [], [])


def series_of(elapsed: Callable[[int], int], failing: int = 0, name: str = "a") -> list[Row]:
    return [row(at, elapsed(at), name, success=at >= failing) for at in range(ENOUGH)]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (series_of(lambda _: 100), series_of(lambda _: 109), Finding.ALIKE),
        (series_of(lambda _: 100), series_of(lambda _: 110), Finding.SLOWER),
        (series_of(lambda _: 110), series_of(lambda _: 99), Finding.FASTER),
        (series_of(lambda _: 10), series_of(lambda _: 19), Finding.ALIKE),
        (series_of(lambda _: 100), series_of(lambda at: 200 if at < 20 else 80), Finding.MIXED),
        (series_of(lambda _: 100), series_of(lambda _: 100, failing=2), Finding.MORE_ERRORS),
        (series_of(lambda _: 100, failing=2), series_of(lambda _: 100), Finding.FEWER_ERRORS),
        (series_of(lambda _: 100)[1:], series_of(lambda _: 900), Finding.TOO_FEW),
    ],
)
def test_what_is_noticeable_is_named(old: list[Row], new: list[Row], finding: Finding) -> None:
    everything, transaction = compare(report(*old), report(*new))
    assert (everything.name, transaction.name) == (None, "a")
    assert everything.finding == transaction.finding == finding
    assert comparison_of([transaction])["transactions"][0]["finding"] == finding.value


def test_transactions_of_either_side_are_compared() -> None:
    pairs = compare(report(row(0, 1, "a"), row(0, 1, "b")), report(row(0, 1, "b"), row(0, 1, "c")))
    assert [(pair.name, pair.finding) for pair in pairs[1:]] == [
        ("a", Finding.GONE),
        ("b", Finding.TOO_FEW),
        ("c", Finding.NEW),
    ]
