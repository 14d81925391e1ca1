from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.jtl import JtlError, JtlReader, JtlRow
from tests.unit.wire.jtl_text import HEADER, START, jtl, row

NASTY = jtl(
    row(0, 12),
    row(
        5,
        30,
        'GET /search?q="a,b"\n\nnext, line',
        success=False,
        failureMessage='expected "200",\r\nfound\n500',
    ),
    row(7, 1, "カート ✓", responseMessage='""'),
    row(
        8,
        45,
        "checkout",
        URL="null",
        responseMessage="Number of samples in transaction : 2, number of failing samples : 0",
    ),
    row(9, 0, ""),
    row(10, 3, "SELECT 1", URL="null", responseMessage="OK"),
)
HOST = "front-end"  # of the URL that rows have
NASTY_ROWS = [
    JtlRow(START, 12, "GET /", success=True, host=HOST),
    JtlRow(START + 5, 30, 'GET /search?q="a,b"\n\nnext, line', success=False, host=HOST),
    JtlRow(START + 7, 1, "カート ✓", success=True, host=HOST),
    JtlRow(START + 8, 45, "checkout", success=True, controller=True),
    JtlRow(START + 9, 0, "", success=True, host=HOST),
    JtlRow(START + 10, 3, "SELECT 1", success=True),
]


def consume(batches: Iterable[list[JtlRow]]) -> list[JtlRow]:
    return [row for batch in batches for row in batch]


def read(*chunks: bytes) -> list[JtlRow]:
    reader = JtlReader()
    rows = consume(reader.feed(chunk) for chunk in chunks)
    assert reader.malformed == 0
    assert not reader.truncated
    return rows


def test_rows_are_read_and_transaction_controllers_told_apart() -> None:
    assert read(NASTY) == NASTY_ROWS


def test_the_rows_are_the_same_wherever_the_file_is_split() -> None:
    for at in range(len(NASTY) + 1):
        assert read(NASTY[:at], NASTY[at:]) == NASTY_ROWS, f"split at byte {at}"


def test_the_rows_are_the_same_byte_by_byte() -> None:
    assert read(*(bytes([byte]) for byte in NASTY)) == NASTY_ROWS


labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(st.integers(0, 10**6), labels, st.booleans()), max_size=8), st.data())
def test_what_was_written_is_read_in_any_pieces(
    rows: list[tuple[int, str, bool]], data: st.DataObject
) -> None:
    file = jtl(*(row(0, elapsed, label, success=success) for elapsed, label, success in rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(file)), max_size=5)))
    pieces = [file[start:end] for start, end in zip([0, *cuts], [*cuts, len(file)], strict=True)]
    assert read(*pieces) == [
        JtlRow(START, elapsed, label, success=success, host=HOST) for elapsed, label, success in rows
    ]


def test_rows_come_before_the_file_ends_and_half_a_row_waits() -> None:
    reader = JtlReader()
    file = jtl(row(0), row(1))
    assert len(reader.feed(file[:-1])) == 1
    assert reader.truncated
    assert len(reader.feed(file[-1:])) == 1
    assert not reader.truncated


def test_a_killed_writer_leaves_a_truncated_file() -> None:
    reader = JtlReader()
    reader.feed(NASTY[:-20])
    assert reader.truncated


def test_columns_are_found_by_name() -> None:
    shuffled = jtl(row(3, 4, "x"), header=sorted(HEADER))
    assert read(shuffled) == [JtlRow(START + 3, 4, "x", success=True, host=HOST)]


@pytest.mark.parametrize("lacking", ["timeStamp", "elapsed", "label", "success", "URL", "responseMessage"])
def test_a_header_without_a_needed_column_is_refused(lacking: str) -> None:
    file = jtl(row(), header=[name for name in HEADER if name != lacking])
    with pytest.raises(JtlError, match=f"lacks the column {lacking}"):
        JtlReader().feed(file)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b"1795443992000,x,GET /,200,OK,t,text,true,,1,1,1,1,u,1,0,1\n",
        b"1795443992000,-5,GET /,200,OK,t,text,true,,1,1,1,1,u,1,0,1\n",
        b"1795443992000,5,GET /,200,OK,t,text,perhaps,,1,1,1,1,u,1,0,1\n",
        b"99999999999999999999,5,GET /,200,OK,t,text,true,,1,1,1,1,u,1,0,1\n",
        b"1795443992000,5,GET /,200,OK,t,text,true," + b"x" * (2 << 20) + b",1,1,1,1,u,1,0,1\n",
        b"\x00\x00\x00\x00\n",
    ],
)
def test_a_damaged_line_is_counted_and_the_next_one_read(line: bytes) -> None:
    reader = JtlReader()
    rows = reader.feed(jtl() + line + jtl(row(7)).partition(b"\n")[2])
    assert rows == [JtlRow(START + 7, 10, "GET /", success=True, host=HOST)]
    assert reader.malformed == 1


def test_a_record_that_never_ends_is_refused() -> None:
    reader = JtlReader()
    reader.feed(jtl() + b'1,2,"')
    with pytest.raises(JtlError, match="it cannot be JMeter"):
        consume(reader.feed(b"x" * 1_000_000 + b"\n") for _ in range(9))


def test_a_transaction_without_requests_is_no_row() -> None:
    empty = row(
        1,
        0,
        "checkout",
        URL="null",
        responseMessage="Number of samples in transaction : 0, number of failing",
    )
    assert read(jtl(row(0), empty)) == [JtlRow(START, 10, "GET /", success=True, host=HOST)]


@pytest.mark.parametrize(("start", "elapsed"), [(2**43, 1), (0, 2**35)])
def test_times_beyond_all_measure_are_damage(start: int, elapsed: int) -> None:
    reader = JtlReader()
    assert reader.feed(jtl(row(timeStamp=start, elapsed=elapsed))) == []
    assert reader.malformed == 1
