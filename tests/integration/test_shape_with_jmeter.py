"""A load whose rate changes, played by a real JMeter: a plan that is made, and what its agent counts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from time import time

import pytest
import yaml
from aiohttp import web

from devperfops_operator.api.shape import Shape as ShapeSpec
from devperfops_operator.cli.app import app
from devperfops_operator.domain.manifests.job import pieces
from devperfops_operator.domain.shape import Shape, shape_of
from devperfops_operator.wire.threads import Offered
from hack import jmeter
from hack.cluster.settings import CHECKOUT
from tests.conftest import require_layer
from tests.unit.agent.played import PlayedOperator, Worker, brief, ended, terminated

DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "shop", "version": "1"},
    "paths": {
        "/catalogue": {"get": {"responses": {"200": {"description": "ok"}}}},
        "/cart": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
}
PER_MINUTE, RAMP_UP_S, JUDGED_S, STALL_S = 1_800, 4, 20, 1.0
SPIKE = ShapeSpec.from_json({"spike": {"factor": 4, "after": "6s", "length": "6s"}})
STRESS = ShapeSpec.from_json({"stress": {"factor": 3, "steps": 4}})


@pytest.fixture(scope="module")
def jmeter_jar() -> Path:
    require_layer("JMeter", jmeter.problem())
    return jmeter.jar(jmeter.ensure())


def by_hand(plan: Path) -> None:
    """The one of the examples, as a gate mounts it."""
    plan.write_bytes((CHECKOUT / "examples/shape/scenario.jmx").read_bytes())


def made(plan: Path) -> None:
    """As the pod of a gate with a shape makes it."""
    document = plan.with_name("openapi.yaml")
    document.write_text(yaml.safe_dump(DOCUMENT))
    with pytest.raises(SystemExit) as done:
        app.main(["scenario", f"--output={plan}", "--shaped", "--", str(document)])
    assert done.value.code == 0


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("write", "spec", "workers"),
    [(made, SPIKE, 1), (made, SPIKE, 2), (made, STRESS, 1), (by_hand, STRESS, 1)],
    ids=["spike", "two workers", "stress", "by hand"],
)
async def test_each_rate_is_played_when_it_is_due(
    jmeter_jar: Path, tmp_path: Path, write: Callable[[Path], None], spec: ShapeSpec, workers: int
) -> None:
    shape = shape_of(spec, timedelta(seconds=JUDGED_S))
    assert shape is not None
    asked: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        asked.append(time())
        return web.json_response({})

    target = web.Application()
    target.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(target, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        share = Fraction(PER_MINUTE, workers)
        text = shape.property_text(share, timedelta(seconds=RAMP_UP_S))
        threads = round(PER_MINUTE / workers / 60 * float(shape.peak) * STALL_S)
        properties = {
            "NumOfThreads": str(threads),
            "RampUp": str(RAMP_UP_S),
            "Duration": str(RAMP_UP_S + JUDGED_S + 30),
            "Shape": text,
            "ServerName": "127.0.0.1",
            "ServerPort": str(runner.addresses[0][1]),
        }
        operator = PlayedOperator()
        await operator.come()
        played = []
        for number in range(workers):
            folder = tmp_path / str(number)
            folder.mkdir()
            worker = Worker(folder, brief(operator.url, **properties))
            offered = Offered(threads, float(share), pieces(shape))
            inputs = replace(worker.brief.inputs, reads=("NumOfThreads", "Shape", "Duration", "RampUp"))
            worker.brief = replace(
                worker.brief,
                inputs=inputs,
                offered=(offered, offered),
                ramp_up_ms=1000 * RAMP_UP_S,
                duration_ms=1000 * (RAMP_UP_S + JUDGED_S),
            )
            worker.results.mkdir()
            worker.token.write_text("sesame")
            (folder / "plan").mkdir()
            write(folder / "plan" / "scenario.jmx")
            operator.start_in_ms = 0
            assert await ended(await worker.run("prepare")) == 0, worker.said
            played.append(worker)
        agent = await played[0].run("tail")
        loads = [await started(jmeter_jar, worker) for worker in played]
        async with asyncio.timeout(90):
            assert [await load.wait() for load in loads] == [0] * workers
        assert await terminated(agent) == 0
        await operator.go_away()
        for worker in played:
            await worker.close()
    finally:
        await runner.cleanup()

    check_target(shape, asked)
    check_agent(shape, operator, PER_MINUTE / workers)


def check_target(shape: Shape, asked: list[float]) -> None:
    """By when requests came; the first one takes JMeter long, so a second at both ends is left out."""
    begin = asked[0] + RAMP_UP_S
    ends = [*(each.begin for each in shape.stretches[1:]), shape.judged]
    for stretch, end in zip(shape.stretches, ends, strict=True):
        first, last = begin + stretch.begin.total_seconds() + 1, begin + end.total_seconds() - 1
        due = PER_MINUTE / 60 * float(shape.levels[stretch.level].factor) * (last - first)
        assert sum(first <= moment < last for moment in asked) == pytest.approx(due, rel=0.2), stretch


def check_agent(shape: Shape, operator: PlayedOperator, per_minute: float) -> None:
    """By the level at which they began."""
    for index, level in enumerate(shape.levels):
        due = per_minute / 60 * float(level.factor) * shape.lasts(index).total_seconds()
        blocks = [block for block in operator.blocks if block.level == index]
        count = sum(stats.samples for block in blocks for stats in block.labels.values())
        assert count == pytest.approx(due, rel=0.1), level
    assert operator.final is not None
    assert len(operator.final.held_above) == len(shape.levels) - 1
    assert operator.final.errors == 0


async def started(jar: Path, worker: Worker) -> asyncio.subprocess.Process:
    results = worker.results
    process = await asyncio.create_subprocess_exec(
        *("java", "-Xmx256m", "-jar", str(jar), "-n", "-t", str(worker.folder / "plan" / "scenario.jmx")),
        *("-l", str(results / "run.jtl"), "-j", str(results / "jmeter.log")),
        *("-q", str(results / "worker.properties")),
        cwd=worker.folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    worker.processes.append(process)
    return process
