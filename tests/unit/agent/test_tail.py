import asyncio
import json
import socket
from pathlib import Path

import pytest

from devperfops_operator.agent.folder import ResultsFolder
from devperfops_operator.wire.blocks import BlockBuilder
from devperfops_operator.wire.jtl import JtlReader
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import Block, Final, JMeterState, LoadEnd
from tests.unit.agent.played import BEGIN, END, PATIENCE_S, RAN_MS, PlayedOperator, Worker, ended, terminated
from tests.unit.wire.jtl_text import START, jtl, line, row
from tests.unit.wire.test_jmx import plan


def rows(first: int, last: int) -> list[dict[str, object]]:
    """Ten a second from second `first` on; the worst take 600 ms, some fail."""
    return [
        row(second * 1000 + 100 * tenth, 600 if tenth == 3 else 20, f"GET /{tenth}", success=tenth != 7)
        for second in range(first, last)
        for tenth in range(10)
    ]


def sum_of(second: int) -> dict[str, object]:
    """What the Transaction Controller around them writes behind them."""
    message = "Number of samples in transaction : 10, number of failing samples : 1"
    return row(second * 1000, 800, "checkout", success=False, URL="null", responseMessage=message)


def lines(first: int, last: int) -> bytes:
    return b"".join(
        line(each) for second in range(first, last) for each in (*rows(second, second + 1), sum_of(second))
    )


def cut(worker: Worker) -> list[Block]:
    """The blocks of the whole file, made here."""
    builder = BlockBuilder(
        worker.brief.thresholds, worker.brief.ramp_up_ms, transactions=worker.brief.transactions
    )
    blocks = list(builder.add(JtlReader().feed((worker.results / "run.jtl").read_bytes())))
    return [*blocks, *builder.finish()]


async def test_blocks_come_while_jmeter_runs_and_the_last_word_when_it_has_ended(
    operator: PlayedOperator, worker: Worker
) -> None:
    agent = await worker.run("tail")
    await operator.until(lambda: operator.heartbeat is not None)
    assert operator.heartbeat is not None
    assert operator.heartbeat.jmeter is JMeterState.WAITING

    worker.log("starting\n" + BEGIN)
    worker.write(jtl() + lines(0, 3))
    await operator.until(lambda: len(operator.blocks) == 2)
    assert operator.heartbeat.jmeter is JMeterState.RUNNING
    assert (operator.heartbeat.rows, operator.heartbeat.first_start_ms) == (30, START)
    assert operator.heartbeat.last_end_ms == START + 2_920
    assert operator.heartbeat.hosts == {"front-end": 20}

    await operator.until(
        lambda: (
            operator.heartbeat is not None
            and operator.heartbeat.wakes is not None
            and operator.heartbeat.wakes.count > 0
        )
    )

    worker.write(lines(3, 5))
    await operator.until(lambda: len(operator.blocks) == 4)
    worker.log(END)
    await operator.until(
        lambda: operator.heartbeat is not None and operator.heartbeat.jmeter is JMeterState.ENDED
    )
    assert operator.final is None
    assert await terminated(agent) == 0
    assert operator.blocks == cut(worker)
    assert [block.controllers["checkout"].samples for block in operator.blocks[1:]] == [1, 1, 1, 1]
    assert operator.final == Final(
        blocks=5, rows=50, errors=5, end=LoadEnd.COMPLETED, truncated=False, ran_ms=RAN_MS
    )
    assert operator.run_uids == {worker.brief.run_uid}


@pytest.mark.parametrize(("index", "has_bytes"), [("0", True), ("1", False)])
async def test_the_last_word_tells_what_was_played_once_with_its_bytes(
    operator: PlayedOperator, worker: Worker, index: str, *, has_bytes: bool
) -> None:
    played = KeptPlan.of(plan(), None)
    ResultsFolder(worker.results).write_plan(played)
    agent = await worker.run("tail", JOB_COMPLETION_INDEX=index)
    await operator.until(lambda: operator.pushes > 0)
    assert await terminated(agent) == 0
    assert operator.final is not None
    assert operator.final.plan == (played if has_bytes else played.told())


async def test_a_killed_agent_goes_on_where_it_was(operator: PlayedOperator, worker: Worker) -> None:
    worker.log(BEGIN)
    first = await worker.run("tail")
    worker.write(jtl() + lines(0, 4)[:-30])
    await operator.until(lambda: len(operator.blocks) == 3)
    first.kill()
    await ended(first)
    worker.write(lines(0, 4)[-30:] + lines(4, 9))
    second = await worker.run("tail")
    await operator.until(lambda: len(operator.blocks) == 8)
    worker.log(END)
    assert await terminated(second) == 0
    assert operator.blocks == cut(worker)
    assert operator.again == 0


async def test_an_operator_that_restarts_gets_everything_again(
    operator: PlayedOperator, worker: Worker
) -> None:
    worker.log(BEGIN)
    agent = await worker.run("tail")
    worker.write(jtl() + lines(0, 5))
    await operator.until(lambda: len(operator.blocks) == 4)
    await operator.go_away()
    operator.forget()
    worker.write(lines(5, 10))
    await operator.come()
    await operator.until(lambda: len(operator.blocks) == 9)
    worker.log(END)
    assert await terminated(agent) == 0
    assert operator.blocks == cut(worker)


async def test_an_operator_that_restarts_after_the_end_gets_everything_again(
    operator: PlayedOperator, worker: Worker
) -> None:
    operator.acknowledges_after = 3
    worker.log(BEGIN + END)
    worker.write(jtl() + lines(0, 6))
    agent = await worker.run("tail")
    await operator.until(lambda: len(operator.blocks) == 5)
    agent.terminate()
    await operator.until(lambda: operator.finals == 1)
    await operator.go_away()
    operator.forget()
    await operator.come()
    assert await ended(agent) == 0
    assert operator.blocks == cut(worker)
    assert operator.final is not None
    assert operator.finals >= 3


async def test_a_refused_token_is_read_again_and_never_told(operator: PlayedOperator, worker: Worker) -> None:
    worker.token.write_text("expired-secret")
    worker.log(BEGIN)
    worker.write(jtl() + lines(0, 3))
    agent = await worker.run("tail")
    await operator.until(lambda: operator.refused >= 2)
    assert operator.blocks == []
    worker.token.write_text("sesame")
    await operator.until(lambda: len(operator.blocks) == 2)
    worker.log(END)
    assert await terminated(agent) == 0
    assert "401" in worker.said
    assert "secret" not in worker.said
    assert "sesame" not in worker.said


@pytest.mark.parametrize("status", [404, 413, 500, 503])
async def test_trouble_at_the_operator_is_waited_out(
    operator: PlayedOperator, worker: Worker, status: int
) -> None:
    operator.status = status
    worker.write(jtl() + lines(0, 3))
    agent = await worker.run("tail")
    await operator.until(lambda: operator.refused >= 2)
    operator.status = 200
    await operator.until(lambda: len(operator.blocks) == 2)
    assert agent.returncode is None


@pytest.mark.parametrize("status", [409, 410])
async def test_an_agent_of_whom_nothing_more_is_wanted_ends(
    operator: PlayedOperator, worker: Worker, status: int
) -> None:
    operator.status = status
    worker.log(BEGIN + END)
    assert await ended(await worker.run("tail")) == 0


async def test_a_run_that_is_over_loads_its_target_no_longer(
    operator: PlayedOperator, worker: Worker, control: socket.socket
) -> None:
    worker.log(BEGIN)
    worker.write(jtl() + lines(0, 3))
    agent = await worker.run("tail")
    await operator.until(lambda: len(operator.blocks) == 2)
    operator.status = 409
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_S):
        assert [await loop.sock_recv(control, 100) for _ in range(2)] == [b"StopTestNow"] * 2
    assert agent.returncode is None
    worker.log(END)
    assert await ended(agent) == 0


async def test_our_stop_is_asked_for_until_jmeter_ends_and_cuts_off_what_hangs(
    operator: PlayedOperator, worker: Worker, control: socket.socket
) -> None:
    worker.log(BEGIN)
    worker.write(jtl() + lines(0, 3))
    agent = await worker.run("tail")
    await operator.until(lambda: len(operator.blocks) == 2)
    operator.stop = True
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_S):
        asked = [await loop.sock_recv(control, 100) for _ in range(3)]
    assert asked == [b"StopTestNow"] * 3

    stopped_at = json.loads((worker.results / "stop.json").read_text())["stopped_at_ms"]
    hanging = {
        "success": "false",
        "responseMessage": "Socket closed",
        "URL": "http://front-end/",
        "label": "GET /0",
    }
    worker.write(
        line({**hanging, "timeStamp": stopped_at - 700, "elapsed": 1_500})
        + line({**hanging, "timeStamp": stopped_at - 300, "elapsed": 1_100})
    )
    worker.log(END)
    assert await terminated(agent) == 0
    assert operator.final == Final(
        blocks=4, rows=32, errors=3, end=LoadEnd.STOPPED, truncated=False, ran_ms=RAN_MS
    )
    [cut_off] = operator.blocks[-1].labels.values()
    assert (cut_off.samples, cut_off.errors, cut_off.censored_over) == (0, 0, [1, 0])


async def test_a_stop_survives_the_agent(
    operator: PlayedOperator, worker: Worker, control: socket.socket
) -> None:
    (worker.results / "stop.json").write_text(json.dumps({"stopped_at_ms": START + 1_000}))
    worker.log(BEGIN)
    worker.write(jtl() + lines(0, 1))
    agent = await worker.run("tail")
    async with asyncio.timeout(PATIENCE_S):
        assert await asyncio.get_running_loop().sock_recv(control, 100) == b"StopTestNow"
    operator.stop = True
    worker.write(lines(5, 6))
    worker.log(END)
    assert await terminated(agent) == 0
    assert operator.final == Final(
        blocks=1, rows=20, errors=1, end=LoadEnd.STOPPED, truncated=False, ran_ms=RAN_MS
    )
    assert json.loads((worker.results / "stop.json").read_text()) == {"stopped_at_ms": START + 1_000}


async def test_a_stop_that_cannot_be_recorded_is_made_all_the_same(
    operator: PlayedOperator, worker: Worker, control: socket.socket
) -> None:
    (worker.results / ".stop.json.part").mkdir()
    worker.log(BEGIN)
    worker.write(jtl() + lines(0, 1))
    operator.stop = True
    agent = await worker.run("tail")
    async with asyncio.timeout(PATIENCE_S):
        assert await asyncio.get_running_loop().sock_recv(control, 100) == b"StopTestNow"
    worker.log(END)
    assert await terminated(agent) == 0
    assert operator.final is not None
    assert operator.final.end is LoadEnd.STOPPED
    assert "the stop is not recorded" in worker.said


async def test_a_stop_after_the_natural_end_is_none(operator: PlayedOperator, worker: Worker) -> None:
    worker.log(BEGIN + END)
    worker.write(jtl() + lines(0, 2))
    operator.stop = True
    agent = await worker.run("tail")
    await operator.until(lambda: len(operator.blocks) == 1)
    assert await terminated(agent) == 0
    assert operator.final is not None
    assert operator.final.end is LoadEnd.COMPLETED
    assert not (worker.results / "stop.json").exists()


@pytest.mark.parametrize(
    ("jtl_bytes", "log", "final"),
    [
        (jtl() + lines(0, 2)[:-8], BEGIN, Final(2, 20, 2, LoadEnd.DIED, truncated=True)),
        (b"", "", Final(0, 0, 0, LoadEnd.DIED, truncated=False)),
        (jtl(), BEGIN + END, Final(0, 0, 0, LoadEnd.COMPLETED, truncated=False, ran_ms=RAN_MS)),
        (
            b"<xml/>\n" + lines(0, 2),
            BEGIN + END,
            Final(0, 0, 0, LoadEnd.COMPLETED, truncated=True, ran_ms=RAN_MS),
        ),
    ],
    ids=["killed", "never began", "no rows", "not CSV"],
)
async def test_the_last_word_tells_what_is_missing(
    operator: PlayedOperator, worker: Worker, jtl_bytes: bytes, log: str, final: Final
) -> None:
    if log:
        worker.log(log)
        worker.write(jtl_bytes)
    agent = await worker.run("tail")
    await operator.until(lambda: operator.pushes > 0)
    assert await terminated(agent) == 0
    assert operator.final == final


async def test_thousands_of_blocks_and_labels_all_arrive(operator: PlayedOperator, worker: Worker) -> None:
    """More than the agent keeps in memory, for an operator that has not seen any of it."""
    worker.log(BEGIN + END)
    many = b"".join(line(row(1000 * second, 5, f"GET /{second % 7}")) for second in range(2_500))
    wide = b"".join(
        line(row(1000 * (2_500 + second), 5, f"label {label}"))
        for second in range(8)
        for label in range(1_500)
    )
    worker.write(jtl() + many + wide)
    agent = await worker.run("tail")
    await operator.until(lambda: operator.pushes > 0)
    assert await terminated(agent) == 0
    assert operator.blocks == cut(worker)
    assert len(operator.blocks) == 2_508


async def test_impossible_orders_are_refused(worker: Worker, tmp_path: Path) -> None:
    agent = await worker.run("tail", DEVPERFOPS_BRIEF="{}")
    assert await ended(agent) == 2
    assert "DEVPERFOPS_BRIEF" in (tmp_path / "agent.log").read_text()
