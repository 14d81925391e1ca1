"""What a pod finds on its volumes, however odd."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.agent.inputs import (
    RefusedError,
    check_plan,
    check_plugins,
    share_data,
    write_secret_properties,
)
from devperfops_operator.wire.brief import Inputs, Shard
from devperfops_operator.wire.refusal import Refusal, RefusalReason
from tests.unit.agent.played import PLAN, PlayedOperator, Worker, ended
from tests.unit.wire.test_jmx import plan


def inputs(*shards: Shard, key: str = PLAN) -> Inputs:
    return Inputs(key, "PersistentVolumeClaim plans", ("NumOfThreads",), "PersistentVolumeClaim data", shards)


def give(root: Path, name: str, content: bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def refusal(root: Path, *shards: Shard, key: str = PLAN, workers: int = 1) -> tuple[str, str]:
    try:
        check_plan(inputs(key=key), root)
        share_data(inputs(*shards), root, worker=0, workers=workers)
    except RefusedError as error:
        return error.refusal.reason, error.refusal.message
    raise AssertionError("it was not refused")


# the plan


def test_a_plan_deep_in_a_volume_is_found(tmp_path: Path) -> None:
    give(tmp_path, "plan/shop/checkout.jmx", plan())
    check_plan(inputs(key="shop/checkout.jmx"), tmp_path)


def test_a_config_maps_file_is_a_link_within_its_volume(tmp_path: Path) -> None:
    give(tmp_path, f"plan/..2026/{PLAN}", plan())
    (tmp_path / "plan/..data").symlink_to("..2026")
    (tmp_path / "plan" / PLAN).symlink_to(f"..data/{PLAN}")
    check_plan(inputs(), tmp_path)


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    assert refusal(tmp_path) == (
        "PlanNotFound",
        "PersistentVolumeClaim plans has no file scenario.jmx; set plan.key",
    )


def test_nothing_outside_of_the_volume_is_read(tmp_path: Path) -> None:
    secret = give(tmp_path, "token", plan())
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / PLAN).symlink_to(secret)
    assert refusal(tmp_path)[0] == "PlanNotFound"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"threads: 5", "scenario.jmx in PersistentVolumeClaim plans is not XML"),
        (plan().replace(b"NumOfThreads", b"users"), "never reads the property NumOfThreads"),
        (b" " * ((4 << 20) + 1), "has more than 4 MiB"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    give(tmp_path, f"plan/{PLAN}", content)
    reason, message = refusal(tmp_path)
    assert reason == "PlanInvalid"
    assert words in message


# the data


@given(
    lines=st.lists(st.binary(max_size=8).filter(lambda line: b"\n" not in line), max_size=30),
    header=st.booleans(),
    workers=st.integers(1, 5),
    ends=st.booleans(),
)
def test_every_line_belongs_to_one_worker(
    lines: list[bytes], workers: int, *, header: bool, ends: bool
) -> None:
    shard, first = Shard("users.csv", header), [b"name,password"] if header else []
    filled = [line for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        give(root, "source/users.csv", b"\n".join([*first, *lines, *([b""] if ends else [])]))
        (root / "data").mkdir()
        parts = []
        for worker in range(workers):
            try:
                share_data(inputs(shard), root, worker=worker, workers=workers)
            except RefusedError:
                assert len(filled) < workers
                return
            parts.append((root / "data/users.csv").read_bytes().split(b"\n")[:-1])
    assert len(filled) >= workers
    for worker, part in enumerate(parts):
        assert part == [*first, *filled[worker::workers]]


def test_what_is_not_shared_is_there_whole(tmp_path: Path) -> None:
    for name in ("users.csv", "words.txt", "pictures/cat.png", "..data/users.csv"):
        give(tmp_path, f"source/{name}", b"1\n2\n")
    (tmp_path / "data").mkdir()
    for _ in range(2):  # a pod may be prepared again
        share_data(inputs(Shard("users.csv", header=False)), tmp_path, worker=1, workers=2)
    data = tmp_path / "data"
    assert sorted(each.name for each in data.iterdir()) == ["pictures", "users.csv", "words.txt"]
    assert (data / "words.txt").read_bytes() == b"1\n2\n"
    assert (data / "pictures/cat.png").read_bytes() == b"1\n2\n"
    assert (data / "users.csv").read_bytes() == b"2\n"
    assert (tmp_path / "source/users.csv").read_bytes() == b"1\n2\n"


def test_more_workers_than_lines_are_refused_to_all(tmp_path: Path) -> None:
    give(tmp_path, f"plan/{PLAN}", plan())
    give(tmp_path, "source/users.csv", b"name\na\n\n")
    (tmp_path / "data").mkdir()
    reason, message = refusal(tmp_path, Shard("users.csv", header=True), workers=2)
    assert reason == "DataInvalid"
    assert message.startswith("users.csv in PersistentVolumeClaim data has lines for 1 of 2 workers")
    assert message.endswith("write more lines or fewer workers")


def test_data_from_outside_of_the_volume_is_not_shared_out(tmp_path: Path) -> None:
    give(tmp_path, f"plan/{PLAN}", plan())
    (tmp_path / "source").mkdir()
    (tmp_path / "source/users.csv").symlink_to(give(tmp_path, "token", b"sesame\n"))
    (tmp_path / "data").mkdir()
    reason, message = refusal(tmp_path, Shard("users.csv", header=False))
    assert reason == "DataNotFound"
    assert "has no file users.csv" in message
    assert list((tmp_path / "data").iterdir()) == []


# Secrets and plugins


def secrets(*names: str) -> Inputs:
    return Inputs(PLAN, "ConfigMap scenario", (), secrets=names)


def test_the_keys_of_secrets_become_properties_nobody_else_can_read(tmp_path: Path) -> None:
    give(tmp_path, "secrets/login/..2026/password", "ö=1\n".encode())
    (tmp_path / "secrets/login/password").symlink_to("..2026/password")
    give(tmp_path, "secrets/cards/card.number", b"4711")
    (tmp_path / "private").mkdir()
    write_secret_properties(secrets("login", "cards"), tmp_path)
    (written,) = (tmp_path / "private").iterdir()
    assert written.read_text() == "card.number=4711\npassword=\\u00f6\\u003d1\\u000a\n"
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (None, "SecretNotFound", "create it with a key for each property"),
        (b"s\xffcret", "SecretInvalid", "key"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_told(
    tmp_path: Path, content: bytes | None, reason: str, words: str
) -> None:
    (tmp_path / "secrets/login").mkdir(parents=True)
    if content is not None:
        give(tmp_path, "secrets/login/key", content)
    with pytest.raises(RefusedError, match="Secret login") as error:
        write_secret_properties(secrets("login"), tmp_path)
    assert error.value.refusal.reason == reason
    assert words in error.value.refusal.message
    assert "cret" not in error.value.refusal.message.replace("Secret", "")


def test_a_place_without_plugins_is_refused(tmp_path: Path) -> None:
    asked = Inputs(PLAN, "ConfigMap scenario", (), plugins_source="PersistentVolumeClaim plugins")
    give(tmp_path, "plugins/readme.txt", b"")
    with pytest.raises(RefusedError, match=r"PersistentVolumeClaim plugins has no \.jar file"):
        check_plugins(asked, tmp_path)
    give(tmp_path, "plugins/whisper.jar", b"")
    check_plugins(asked, tmp_path)


# what the operator is told


async def test_a_refusal_is_the_pods_termination_message(operator: PlayedOperator, worker: Worker) -> None:
    worker.give("plan", PLAN, b"threads: 5")
    assert await ended(await worker.run("prepare")) == 2
    told = Refusal.from_json(worker.message.read_text())
    assert told.reason is RefusalReason.PLAN_INVALID
    assert "is not XML" in told.message
    assert operator.starts == 0


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"reason": "Pass", "message": "x"}', "out of disk", "null"]
)
def test_another_programs_message_is_no_refusal(text: str) -> None:
    with pytest.raises(ValueError, match="not the agent's"):
        Refusal.from_json(text)


@given(st.text())
def test_a_refusal_fits_a_termination_message(message: str) -> None:
    text = Refusal(RefusalReason.DATA_INVALID, message).to_json()
    assert len(text.encode()) <= 4096
    assert Refusal.from_json(text).message == message[:600]
