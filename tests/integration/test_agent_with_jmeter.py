"""The agent beside a real JMeter, against a loopback server: what it takes JMeter for is what JMeter does."""

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web

from devperfops_operator.wire.measurement import JMeterState, LoadEnd
from devperfops_operator.wire.threads import Offered
from hack import jmeter
from hack.cluster.settings import CHECKOUT
from tests.conftest import require_layer
from tests.unit.agent.played import PlayedOperator, Worker, brief, ended, terminated

PLAN = CHECKOUT / "examples" / "podinfo" / "scenario.jmx"
RATE_PER_MINUTE = 3_000
PAUSE_S = 3


@dataclass
class Target:
    """Answers at once, until it hangs; or pauses, once it has been asked so often."""

    hangs: bool = False
    pauses_after: float = math.inf
    resumes_at: float | None = None
    asked: int = 0
    port: int = 0
    forever: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.hangs:
            await self.forever.wait()
        if self.asked > self.pauses_after:
            await self._pause()
        return web.json_response({"message": "greetings"})

    async def _pause(self) -> None:
        now = asyncio.get_running_loop().time()
        self.resumes_at = self.resumes_at or now + PAUSE_S
        await asyncio.sleep(self.resumes_at - now)


@pytest.fixture(scope="module")
def jmeter_jar() -> Path:
    require_layer("JMeter", jmeter.problem())
    return jmeter.jar(jmeter.ensure())


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    target = Target()
    app = web.Application()
    app.router.add_get("/", target.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target.port = runner.addresses[0][1]
    yield target
    target.forever.set()
    await runner.cleanup()


@pytest.fixture
async def operator() -> AsyncIterator[PlayedOperator]:
    played = PlayedOperator()
    await played.come()
    yield played
    await played.go_away()


@pytest.fixture
async def worker(tmp_path: Path, operator: PlayedOperator, target: Target) -> AsyncIterator[Worker]:
    properties = {
        "NumOfThreads": "50",
        "RampUp": "1",
        "Duration": "12",
        "TPM": str(RATE_PER_MINUTE),
        "ServerName": "127.0.0.1",
        "ServerPort": str(target.port),
        "Scheme": "http",
        "jmeterengine.nongui.port": str(_free_port()),
    }
    worker = Worker(tmp_path, brief(operator.url, **properties))
    worker.results.mkdir()
    worker.give("plan", "scenario.jmx", PLAN.read_bytes())
    worker.token.write_text("sesame")
    yield worker
    await worker.close()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def start_jmeter(jar: Path, worker: Worker) -> asyncio.subprocess.Process:
    """As the Job's pod does."""
    results = worker.results
    process = await asyncio.create_subprocess_exec(
        *("java", "-Xmx256m", "-jar", str(jar), "-n", "-t", str(PLAN)),
        *("-l", str(results / "run.jtl"), "-j", str(results / "jmeter.log")),
        *("-q", str(results / "worker.properties")),
        cwd=worker.folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    worker.processes.append(process)
    return process


async def started(
    jar: Path, worker: Worker, operator: PlayedOperator
) -> tuple[asyncio.subprocess.Process, asyncio.subprocess.Process]:
    agent = await worker.run("tail")
    operator.start_in_ms = 0
    assert await ended(await worker.run("prepare")) == 0
    return agent, await start_jmeter(jar, worker)


@pytest.mark.timeout(120)
async def test_a_whole_test_reaches_its_rate_and_is_told_from_begin_to_end(
    jmeter_jar: Path, operator: PlayedOperator, worker: Worker, target: Target
) -> None:
    agent, load = await started(jmeter_jar, worker, operator)
    await operator.until(lambda: bool(operator.blocks))
    assert operator.heartbeat is not None
    assert operator.heartbeat.jmeter is JMeterState.RUNNING
    assert await ended(load) == 0
    assert await terminated(agent) == 0
    final = operator.final
    assert final is not None
    assert (final.end, final.errors, final.truncated) == (LoadEnd.COMPLETED, 0, False)
    assert final.rows == target.asked
    assert final.plan is not None
    assert final.plan.unpacked() == PLAN.read_bytes()
    assert final.ran_ms is not None
    assert final.ran_ms > 11_000, "of the 12 s that it counts from before its first sample"
    judged = sum(stats.samples for block in operator.blocks for stats in block.labels.values())
    seen = operator.heartbeat
    assert seen.first_start_ms is not None
    assert seen.last_end_ms is not None
    minutes = (seen.last_end_ms - seen.first_start_ms - worker.brief.ramp_up_ms) / 60_000
    assert minutes * 60 > 8
    planned = RATE_PER_MINUTE * minutes
    assert judged >= planned - 4 * planned**0.5  # the timer's arrivals are random


@pytest.mark.timeout(120)
async def test_a_plan_with_a_host_of_its_own_shows_where_it_goes(
    jmeter_jar: Path, operator: PlayedOperator, worker: Worker, target: Target
) -> None:
    worker.brief = replace(worker.brief, host="front-end.shop.svc")
    await started(jmeter_jar, worker, operator)
    await operator.until(lambda: operator.heartbeat is not None and len(operator.heartbeat.hosts) == 2)
    assert operator.heartbeat is not None
    assert operator.heartbeat.hosts["front-end.shop.svc"] == 0
    assert 0 < operator.heartbeat.hosts["127.0.0.1"] <= target.asked


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("threads", "least", "most"), [(5, 90, 150), (200, 0, 0)])
async def test_a_stall_that_takes_all_threads_shows_what_was_held_back(
    jmeter_jar: Path,
    operator: PlayedOperator,
    worker: Worker,
    target: Target,
    *,
    threads: int,
    least: int,
    most: int,
) -> None:
    """The timer catches up afterwards, so that neither the rate nor the percentiles show it."""
    worker.brief.properties["NumOfThreads"] = str(threads)
    worker.brief = replace(worker.brief, duration_ms=12_000, offered=(Offered(threads, RATE_PER_MINUTE),) * 2)
    target.pauses_after = 200
    agent, load = await started(jmeter_jar, worker, operator)
    assert await ended(load) == 0
    assert await terminated(agent) == 0
    assert operator.final is not None
    assert operator.final.held is not None
    assert least <= operator.final.held.requests <= most


@pytest.mark.timeout(120)
async def test_a_test_with_hanging_requests_ends_soon_after_our_stop(
    jmeter_jar: Path, operator: PlayedOperator, worker: Worker, target: Target
) -> None:
    worker.brief.properties["Duration"] = "300"
    agent, load = await started(jmeter_jar, worker, operator)
    await operator.until(lambda: len(operator.blocks) >= 3)
    target.hangs = True
    asked = target.asked
    await operator.until(lambda: target.asked >= asked + 20)  # so many hang now
    operator.stop = True
    assert await ended(load) == 0
    assert await terminated(agent) == 0
    assert operator.final is not None
    assert (operator.final.end, operator.final.errors) == (LoadEnd.STOPPED, 0)
    assert operator.final.rows >= asked + 20
    assert "stopped_at_ms" in json.loads((worker.results / "stop.json").read_text())


@pytest.mark.timeout(120)
async def test_a_jmeter_that_is_killed_has_died(
    jmeter_jar: Path, operator: PlayedOperator, worker: Worker, target: Target
) -> None:
    agent, load = await started(jmeter_jar, worker, operator)
    await operator.until(lambda: bool(operator.blocks))
    load.kill()
    await ended(load)
    assert await terminated(agent) == 0
    assert operator.final is not None
    assert operator.final.end is LoadEnd.DIED
    assert 0 < operator.final.rows <= target.asked
