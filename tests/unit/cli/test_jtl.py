"""`devperfops jtl`: what it prints, and what it says about files that are not as they should be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from devperfops_operator.analysis.jtl.compare import compare
from devperfops_operator.analysis.jtl.report import Apdex, report_of
from devperfops_operator.cli.app import app
from devperfops_operator.cli.console import clock, trimmed
from devperfops_operator.cli.jtl import files as reading
from devperfops_operator.cli.jtl.files import read_files
from devperfops_operator.cli.render.jtl import comparison_screen, report_screen
from tests.unit.analysis.jtl.test_reading import TRANSACTION
from tests.unit.analysis.jtl.test_report import drawn
from tests.unit.wire.jtl_text import jtl, row


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["jtl", *map(str, arguments)])


def document(*arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def written(folder: Path, content: bytes, name: str = "run.jtl") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def test_it_prints_requests_transactions_and_errors(tmp_path: Path) -> None:
    file = written(tmp_path, jtl(*drawn(1, 600, 2)))
    done = run(file, "--minutes")
    assert done.exit_code == 0
    for part in ("Requests (ms)", "Transactions (ms)", "All requests", "Most frequent errors", "By minute"):
        assert part in done.stdout
    assert re.search(r"503/No, \"busy\" +\d+", done.stdout)


def test_workers_files_are_one_test(tmp_path: Path) -> None:
    rows = drawn(2, 900, 3)
    whole = written(tmp_path, jtl(*rows), "whole.jtl")
    parts = [written(tmp_path, jtl(*rows[at::3]), f"{at}.jtl") for at in range(3)]
    merged, alone = document(*parts), document(whole)
    assert sum(each["rows"] for each in merged.pop("files")) == alone["files"][0]["rows"]
    assert merged == {key: value for key, value in alone.items() if key != "files"}


def test_every_key_is_always_there(tmp_path: Path) -> None:
    found = document(written(tmp_path, jtl(row())))
    keys = "schema apdex total transactions seconds minutes files comparison"
    assert list(found) == keys.split()
    assert list(found["total"]) == [
        *("samples", "errors", "errorShare", "meanMs", "minMs", "maxMs", "p50Ms", "p90Ms", "p95Ms", "p99Ms"),
        *("apdex", "startMs", "endMs", "throughput", "receivedBytesPerSecond", "sentBytesPerSecond"),
        *("errorTypes", "topErrors"),
    ]
    assert list(found["transactions"][0])[:2] == ["name", "controller"]
    assert list(found["seconds"]) == ["second", "samples", "errors", "meanMs"]
    assert found["files"][0] | {"path": ""} == {
        "path": "",
        "rows": 1,
        "damaged": 0,
        "firstDamage": None,
        "cutBytes": 0,
        "missing": [],
    }


def test_old_and_new_are_set_side_by_side(tmp_path: Path) -> None:
    old = written(tmp_path, jtl(*(row(at, 100) for at in range(300))), "old.jtl")
    new = written(tmp_path, jtl(*(row(at, 200) for at in range(300))), "new.jtl")
    done = run(new, "--compare", old)
    assert done.exit_code == 0
    assert re.search(r"GET / +0 % -> 0 % +100 -> 200 \+100% .*slower", done.stdout)
    assert "1 transaction with a noticeable difference" in done.stdout
    pairs = document(new, "--compare", old)["comparison"]["transactions"]
    assert [(pair["name"], pair["finding"]) for pair in pairs] == [(None, "slower"), ("GET /", "slower")]


@pytest.mark.parametrize("width", [80, 200])
def test_screens_fit_into_the_terminal(tmp_path: Path, width: int) -> None:
    long = "GET /a/rather/long/path/with/many/parts?and=a&query=as&well=as"
    rows = drawn(3, 800, 2) + [row(at, 12_345, long, success=at > 300) for at in range(400)]
    summary, notes = read_files([written(tmp_path, jtl(*rows))], lambda _: None)
    report = report_of(summary, Apdex())
    for screen in (
        report_screen(report, notes, clock(), width),
        comparison_screen(compare(report, report), notes, notes, width),
    ):
        text = trimmed(screen, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        figures = [line for line in text.splitlines() if line.startswith("All requests")]
        assert figures


def test_500_labels_are_500_lines(tmp_path: Path) -> None:
    rows = [row(at, 5, f"GET /{at % 500}") for at in range(1_000)]
    found = document(written(tmp_path, jtl(*rows)))
    assert [each["samples"] for each in found["transactions"]] == [2] * 500


def test_apdex_thresholds_are_an_option(tmp_path: Path) -> None:
    file = written(tmp_path, jtl(row(0, 100), row(1, 300), row(2, 301)))
    found = document(file, "--apdex", "100/300")
    assert (found["apdex"], found["total"]["apdex"]) == ({"satisfiedMs": 100, "toleratedMs": 300}, 0.5)
    for wrong in ("fast", "2/1", "100"):
        assert run(file, "--apdex", wrong).exit_code == 2


def test_a_cut_tail_and_damaged_lines_are_left_out_and_told(tmp_path: Path) -> None:
    content = (
        jtl(row(0), row(1, label="a,\nb")) + b"17,x,junk\n" + jtl(row(2)).partition(b"\n")[2] + b"179544"
    )
    found = document(written(tmp_path, content))["files"][0]
    assert (found["rows"], found["damaged"], found["cutBytes"]) == (3, 1, 6)
    assert found["firstDamage"].startswith("line 5: 3 of 17 fields")
    done = run(tmp_path / "run.jtl")
    assert "1 damaged record left out; line 5" in done.stdout
    assert "the last record is cut (6 bytes left out)" in done.stdout


def test_what_a_missing_column_hides_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, jtl(row(), header=["timeStamp", "elapsed", "label", "success"]))
    assert document(file)["files"][0]["missing"] == [
        *("responseCode", "responseMessage", "failureMessage", "URL", "bytes", "sentBytes")
    ]
    assert "responseMessage" in run(file).stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (jtl(), "a header and no rows"),
        (jtl()[:-1], "a header and no rows"),
        (jtl(row())[:-1], "no whole row"),
        (b"<?xml version='1.0'?>\n<testResults>\n", "jmeter.save.saveservice.output_format=csv"),
        (jtl(row()).partition(b"\n")[2], "print_field_names=true"),
        (jtl(row(timeStamp="2026/11/25 06:00:00")), "line 2: column timeStamp.*timestamp_format=ms"),
        (jtl() + b'1,2,"' + b"x\n" * 6_500_000, "line 2: the record does not end"),
    ],
)
def test_a_file_that_is_no_result_is_refused_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = written(tmp_path, content)
    done = run(file)
    assert done.exit_code == 2
    assert re.match(f"Error: {re.escape(str(file))}: .*{said}.*\n$", done.stderr)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in run(tmp_path / "pipe").stderr
    assert run(tmp_path / "none").exit_code == 2
    assert run().exit_code == 2


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    file = written(tmp_path, jtl(row()))
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from devperfops_operator.cli import main; sys.argv = sys.argv[:1] + ['jtl', *sys.argv[1:]]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "Error: this command needs numpy: pip install 'devperfops-operator[analysis]'.\n"


WHOLE = jtl(*drawn(4, 120, 3), row(1, label='a,"b"\n\nc'), row(2, label="x" * 400))


@given(st.integers(1, 2_000), st.integers(1, 5_000))
@settings(max_examples=25)
def test_a_file_cut_into_pieces_anywhere_has_the_same_report(
    tmp_path_factory: pytest.TempPathFactory, block: int, size: int
) -> None:
    file = written(tmp_path_factory.mktemp("cut"), WHOLE + b"1795")
    whole = read_files([file], lambda _: None)
    heard: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BLOCK", block)
        patch.setattr(reading, "_PIECE", size)
        summary, notes = read_files([file], heard.append)
    assert report_of(summary, Apdex()) == report_of(whole[0], Apdex())
    assert notes == whole[1]
    assert sum(heard) == len(WHOLE) - WHOLE.index(b"\n") - 1


def test_large_files_are_read_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [written(tmp_path, WHOLE, "a.jtl"), written(tmp_path, WHOLE, "b.jtl")]
    here = read_files(files, lambda _: None)
    monkeypatch.setattr(reading, "_ALONE", 0)
    monkeypatch.setattr(reading, "_PIECE", 3_000)
    monkeypatch.setattr(reading, "_processors", lambda: 2)
    there = read_files(files, lambda _: None)
    assert report_of(there[0], Apdex()) == report_of(here[0], Apdex())
    assert there[1] == here[1]


def test_a_terminal_decides_on_the_columns(tmp_path: Path) -> None:
    summary, notes = read_files([written(tmp_path, jtl(row()))], lambda _: None)
    report = report_of(summary, Apdex())
    narrow, wide = (report_screen(report, notes, clock(), width) for width in (80, 200))
    target = Console(width=200)
    with target.capture() as shown:
        target.print(narrow)
    assert "KIB/S IN" not in shown.get()
    with target.capture() as shown:
        target.print(wide)
    assert "KIB/S IN" in shown.get()


def test_empty_transactions_count_nowhere(tmp_path: Path) -> None:
    empty = row(1, 0, "checkout", URL="null", responseMessage=TRANSACTION.format(0))
    found = document(written(tmp_path, jtl(row(), empty)))
    assert [each["name"] for each in found["transactions"]] == ["GET /"]
