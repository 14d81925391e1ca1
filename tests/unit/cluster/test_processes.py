"""Only the very process that was started is ever taken for it, or ended."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hack.cluster.errors import ClusterError
from hack.cluster.processes import (
    Identity,
    ProcessTable,
    Record,
    Spec,
    identify,
    running_as,
    start_time,
    write_if_different,
)

SLEEP = Spec("sleeper", ("sleep", f"3600.{os.getpid()}"))  # another test process of this machine has its own
STUBBORN = Spec("sleeper", ("sh", "-c", 'trap "" TERM; echo deaf; while :; do sleep 0.05; done'))
BOOT = "boot"


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ProcessTable]:
    table = ProcessTable(tmp_path / "run", tmp_path / "log")
    yield table
    table.stop(["sleeper"], patience=0)


def pid(table: ProcessTable) -> int:
    identity = table.identity("sleeper")
    assert identity is not None
    return identity.pid


def record_path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "sleeper.process"


@pytest.mark.parametrize("name", ["bash", "a b", "a) R (b", "))"])
def test_start_time_is_read_whatever_the_program_is_called(name: str) -> None:
    assert start_time(f"42 ({name}) S {' '.join(str(n) for n in range(4, 53))}") == 22


def test_a_zombie_counts_as_ended() -> None:
    assert start_time(f"42 (x) Z {' '.join(str(n) for n in range(4, 53))}") is None


def test_this_process_is_itself_and_an_unused_pid_is_nobody() -> None:
    own = identify(os.getpid())
    assert own is not None
    assert own == identify(os.getpid())
    assert identify(2**22 + 1) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"identity": {}}', '{"identity": {"pid": 1}, "digest": ""}']
)
def test_a_cut_record_is_no_record(text: str) -> None:
    assert Record.from_json(text) is None


def test_a_record_reads_as_it_was_written() -> None:
    record = Record(Identity(1, 2, "/bin/x", BOOT), "digest")
    assert Record.from_json(record.to_json()) == record


def test_a_second_start_finds_the_first(table: ProcessTable) -> None:
    table.ensure(SLEEP)
    first = pid(table)
    table.ensure(SLEEP)
    assert pid(table) == first


def test_other_arguments_start_it_anew(table: ProcessTable) -> None:
    table.ensure(SLEEP)
    first = table.identity("sleeper")
    assert first is not None
    table.ensure(replace(SLEEP, argv=("sleep", "3601")))
    assert pid(table) != first.pid
    assert identify(first.pid) != first


def test_another_configuration_starts_it_anew(table: ProcessTable, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "config"
    table.ensure(replace(SLEEP, files={config: "one"}))
    first = pid(table)
    table.ensure(replace(SLEEP, files={config: "two"}))
    assert pid(table) != first
    assert config.read_text() == "two"


@pytest.mark.parametrize(
    "forge",
    [
        lambda genuine: replace(genuine, started=genuine.started - 1),
        lambda genuine: replace(genuine, executable="/bin/other"),
        lambda genuine: replace(genuine, boot="another"),
    ],
    ids=["earlier start", "other executable", "other boot"],
)
def test_a_reused_pid_is_neither_taken_nor_ended(
    table: ProcessTable, tmp_path: Path, forge: Callable[[Identity], Identity]
) -> None:
    table.ensure(SLEEP)
    genuine = table.identity("sleeper")
    assert genuine is not None
    written = record_path(tmp_path).read_text()
    record_path(tmp_path).write_text(Record(forge(genuine), SLEEP.digest).to_json())

    assert table.identity("sleeper") is None
    table.stop(["sleeper"], patience=0)
    assert identify(genuine.pid) == genuine

    record_path(tmp_path).write_text(written)


def test_a_process_that_ignores_the_request_is_killed(table: ProcessTable) -> None:
    table.ensure(STUBBORN)
    process = table.identity("sleeper")
    assert process is not None
    table.stop(["sleeper"], patience=0.1)
    assert identify(process.pid) is None
    assert table.identity("sleeper") is None


def test_one_whose_record_was_never_written_is_replaced(table: ProcessTable, tmp_path: Path) -> None:
    table.ensure(SLEEP)
    lost = pid(table)
    record_path(tmp_path).unlink()
    table.ensure(SLEEP)
    assert [identity.pid for identity in running_as(SLEEP.argv)] == [pid(table)]
    assert pid(table) != lost


def test_output_goes_to_the_log_and_into_the_message_of_a_failure(table: ProcessTable) -> None:
    table.ensure(Spec("sleeper", ("sh", "-c", "echo the reason >&2; while :; do sleep 0.05; done")))
    log = table.log("sleeper")
    while "the reason" not in log.read_text():
        assert table.identity("sleeper")
    assert "the reason" in table.failure("sleeper")


def test_a_process_gets_only_what_its_description_says(
    table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    table.ensure(replace(SLEEP, environment={"MARK": "y"}))
    while not (environment := Path(f"/proc/{pid(table)}/environ").read_bytes()):
        assert table.identity("sleeper"), "it ended"  # else its exec is not through yet
    names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names == {b"PATH", b"HOME", b"MARK"}


def test_a_missing_program_is_named(table: ProcessTable) -> None:
    with pytest.raises(ClusterError, match="/no/such/program is missing"):
        table.ensure(Spec("sleeper", ("/no/such/program",)))


def test_a_file_is_written_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    write_if_different(path, "one")
    before = path.stat()
    write_if_different(path, "one")
    assert path.stat().st_ino == before.st_ino
    write_if_different(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
