"""Arrays read what the agent's reader reads, row for row, whatever is in the file."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devperfops_operator.analysis.jtl import piece
from devperfops_operator.analysis.jtl.layout import Layout
from devperfops_operator.analysis.jtl.samples import NO_ERROR, SampleReader, Samples, kind_of_error
from devperfops_operator.analysis.jtl.words import OTHER, PAD, Spans, Vocabulary, words_of
from devperfops_operator.wire.jtl import JtlError, JtlReader, end_of_last_record
from tests.unit.wire.jtl_text import HEADER, START, jtl, line, row

TRANSACTION = "Number of samples in transaction : {}, number of failing samples : 0"


def padded(data: bytes) -> bytearray:
    return bytearray(b"\n" * PAD + data + b"\n" * PAD)


def by_arrays(file: bytes, size: int = 1 << 19) -> tuple[Counter[object], int]:
    """The rows of all whole records, and how many records were none; `size`: of a chunk."""
    header, _, rest = file.partition(b"\n")
    rest = rest[: end_of_last_record(rest, 0)]
    reader = SampleReader(Layout.of(header))
    buffer = padded(rest)
    rows: Counter[object] = Counter()
    kept, piece._CHUNK = piece._CHUNK, size
    for begin, end in piece._chunks(buffer):
        for part in reader.read(np.frombuffer(buffer, np.uint8), begin, end):
            rows.update(_rows(part, reader.labels.texts))
    piece._CHUNK = kept
    return rows, reader.malformed


def _rows(part: Samples, labels: list[str]) -> list[object]:
    columns = (part.start_ms, part.elapsed_ms, part.label, part.error, part.controller)
    return [
        (start, elapsed, labels[label], error == NO_ERROR, controller)
        for start, elapsed, label, error, controller in zip(*(each.tolist() for each in columns), strict=True)
    ]


def by_the_agent(file: bytes) -> tuple[Counter[object], int]:
    """Without the host, which the arrays do not need."""
    reader = JtlReader()
    return Counter(tuple(each)[:-1] for each in reader.feed(file)), reader.malformed


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", '"', '""', ",", 'a,"b",\n', "null", "x" * 300, "GET /a", "\r\n", "12345678", "123456789"]
)
numbers = st.integers(-1, 10**6) | st.sampled_from(
    ["", "x", "1.5", "+7", " 8", "007", "1_0", "²", "9" * 15, "9" * 17, 2**35 - 1, 2**35, 2**43, "99999999"]
)
records = st.fixed_dictionaries(
    {},
    optional={
        "timeStamp": numbers | st.integers(START, START + 10**7),
        "elapsed": numbers,
        "label": texts,
        "success": st.sampled_from(["true", "false", "TRUE", "", "tru", "falsey"]),
        "URL": st.sampled_from(["null", "", "http://a/", "nulls"]),
        "responseMessage": st.sampled_from(
            ["OK", TRANSACTION.format(2), TRANSACTION.format(0), "Number of samples in", "Number o"]
        )
        | texts,
        "failureMessage": texts,
        "bytes": numbers,
    },
)
lines = st.one_of(
    records.map(lambda fields: line(row(7) | fields)),
    records.map(lambda fields: line(row(7) | fields).replace(b"\n", b"\r\n") if fields else b"\r\n"),
    st.sampled_from([b"\n", b"nonsense\n", b",\n", b"\xff\xfe,\n", b"1,2,x,200,OK,t,text,true\n"]),
    st.just(line(row(3))[:-1] + b",more\n"),
    st.just(line(dict(zip(HEADER, HEADER, strict=True)))),
)


@given(st.lists(lines, max_size=12), st.integers(1, 400))
@example([line(row(1, label="a\rb")), line(row(2, label='"')), line(row(3, label='x"y'))], 50)
@example([b'1,2,"a"b,200\n', line(row(2)), b'1,2,a"b,200\n', line(row(4))], 1 << 19)
def test_any_file_is_read_as_the_agent_reads_it_in_chunks_of_any_size(parts: list[bytes], size: int) -> None:
    file = jtl() + b"".join(parts)
    assert by_arrays(file, size) == by_the_agent(file)


@pytest.mark.parametrize("header", [sorted(HEADER), list(reversed(HEADER)), HEADER[:8] + HEADER[13:14]])
def test_columns_are_found_by_name_in_any_order_and_without_those_not_needed(header: list[str]) -> None:
    rows = [row(3, 4, "x"), row(5, 6, "a,b", success=False), row(5, 6, "a\r\nb")]
    file = jtl(*rows, header=header)
    assert by_arrays(file) == by_the_agent(file)
    assert by_arrays(file.replace(b"\n", b"\r\n"))[0].total() == 3


def test_four_columns_are_enough() -> None:
    file = jtl(row(3, 4, "x"), header=["success", "label", "timeStamp", "elapsed"])
    assert by_arrays(file) == (Counter([(START + 3, 4, "x", True, False)]), 0)


@pytest.mark.parametrize("delimiter", [b";", b"\t", b"|"])
def test_the_delimiter_is_the_headers(delimiter: bytes) -> None:
    file = jtl(row(3, 4, "x y"), row(5, 6, "z", success=False)).replace(b",", delimiter)
    rows, malformed = by_arrays(file)
    assert rows == Counter([(START + 3, 4, "x y", True, False), (START + 5, 6, "z", False, False)])
    assert malformed == 0


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b'<?xml version="1.0" encoding="UTF-8"?>', "output_format=csv"),
        (b"<testResults>", "output_format=csv"),
        (b"1795443992000,12,GET /,200,OK,t 1-1,text,true", "print_field_names=true"),
        (b"something else", "print_field_names=true.*something else"),
        (b"timeStamp,label,success", "line 1: the column elapsed is missing.*saveservice.time=true"),
        (b"timeStamp,elapsed", "label and success"),
    ],
)
def test_what_is_no_csv_with_names_is_refused_with_the_option_to_set(header: bytes, said: str) -> None:
    with pytest.raises(JtlError, match=said):
        Layout.of(header)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"timeStamp": "2026/11/25 06:00:00"}, "column timeStamp.*timestamp_format=ms"),
        ({"elapsed": "0.5"}, "column elapsed: '0.5'"),
        ({"success": "yes"}, "column success: 'yes'"),
        ({"elapsed": 2**40}, "out of range"),
        (dict(zip(HEADER, HEADER, strict=True)), "the header once more"),
    ],
)
def test_the_first_damage_is_named(fields: dict[str, object], said: str) -> None:
    file = padded(line(row(1)) + line(row(2, label="two\nlines")) + line(row(3) | fields) + b"junk\n")
    found = piece.read_piece(file, Layout.of(jtl()))
    assert found.malformed == 2
    assert found.fault is not None
    assert file[PAD:].count(b"\n", 0, found.fault.offset) + found.fault.lines == 3
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(found.fault.what)


@given(st.lists(texts | st.binary(max_size=30).map(lambda raw: raw.decode(errors="replace")), max_size=30))
def test_texts_have_one_number_each(words: list[str]) -> None:
    raw = [word.replace('"', '""').encode() for word in words]
    ends = PAD + np.cumsum([len(each) for each in raw], dtype=np.int64)
    spans = Spans(np.concatenate(([PAD], ends[:-1])) if raw else ends, ends)
    buffer = np.frombuffer(padded(b"".join(raw)), np.uint8)
    vocabulary = Vocabulary(1000)
    for _ in range(2):
        numbers_of = vocabulary.numbers(buffer, words_of(buffer), spans)
        assert [vocabulary.texts[number] for number in numbers_of] == words
    assert len(vocabulary.texts) == len(set(words))


def test_texts_whose_hashes_collide_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "devperfops_operator.analysis.jtl.words._hashes", lambda pieces: np.zeros(len(pieces[0]), np.uint64)
    )
    rows = [row(0, 1, f"GET /{number % 5}") for number in range(50)]
    assert by_arrays(jtl(*rows), 500) == by_the_agent(jtl(*rows))


def test_names_beyond_the_limit_are_counted_together() -> None:
    vocabulary = Vocabulary(2)
    buffer = np.frombuffer(padded(b"abcda"), np.uint8)
    places = np.arange(PAD, PAD + 5)
    numbers_of = vocabulary.numbers(buffer, words_of(buffer), Spans(places, places + 1))
    assert [vocabulary.texts[number] for number in numbers_of] == ["a", "b", OTHER, OTHER, "a"]


@pytest.mark.parametrize(
    ("code", "message", "failure", "kind"),
    [
        ("500", "Internal Server Error", "", "500/Internal Server Error"),
        ("503", "", "", "503"),
        ("2" * 5_000, "odd", "", None),
        ("200", "OK", "expected 201", "expected 201"),
        ("200", "OK", "", "Assertion failed"),
        ("", "", "late", "late"),
        ("", "", "", OTHER),
        ("Non HTTP response code: java.net.SocketException", "reset", "", None),
    ],
)
def test_the_type_of_an_error_is_as_in_jmeters_report(
    code: str, message: str, failure: str, kind: str | None
) -> None:
    assert kind_of_error(code, message, failure) == (kind or f"{code}/{message}")
