import time
from dataclasses import replace

import pytest

from devperfops_operator.agent.folder import ResultsFolder
from tests.unit.agent.played import PLAN, PlayedOperator, Worker, ended, terminated
from tests.unit.wire.test_jmx import named, plan


def properties(worker: Worker) -> dict[str, str]:
    text = (worker.results / "worker.properties").read_text()
    return dict(line.split("=", 1) for line in text.splitlines())


async def test_the_start_is_waited_for(operator: PlayedOperator, worker: Worker) -> None:
    prepare = await worker.run("prepare")
    await operator.until((worker.results / "worker.properties").exists)
    assert prepare.returncode is None
    operator.start_in_ms = 1_500
    asked_at = time.monotonic()
    assert await ended(prepare) == 0
    assert time.monotonic() - asked_at >= 1.5
    assert "start in 1500 ms" in worker.said


async def test_the_properties_are_the_plans_and_what_the_agent_needs(
    operator: PlayedOperator, worker: Worker
) -> None:
    operator.start_in_ms = 0
    worker.brief.properties["jmeter.save.saveservice.output_format"] = "xml"
    worker.brief.shares[0]["NumOfThreads"], worker.brief.shares[1]["NumOfThreads"] = "13", "12"
    worker.brief.properties["Greeting"] = "a = b\nカ"
    assert await ended(await worker.run("prepare")) == 0
    written = properties(worker)
    assert (written["NumOfThreads"], written["TPM"]) == ("13", "3000")
    assert written["jmeter.save.saveservice.autoflush"] == "true"
    assert written["jmeter.save.saveservice.output_format"] == "csv"
    assert written["Greeting"] == r"a\u0020\u003d\u0020b\u000a\u30ab"
    assert written["jmeterengine.nongui.port"] == written["jmeterengine.nongui.maxport"]


async def test_the_plan_is_noted_as_it_is_at_the_start(operator: PlayedOperator, worker: Worker) -> None:
    prepare = await worker.run("prepare")
    await operator.until(lambda: operator.starts > 0)
    changed = plan("<!-- the ConfigMap has changed meanwhile -->")
    worker.give("plan", PLAN, changed)
    operator.start_in_ms = 0
    assert await ended(prepare) == 0
    noted = ResultsFolder(worker.results).plan
    assert noted is not None
    assert noted.unpacked() == changed


@pytest.mark.parametrize(("made", "kept"), [(False, False), (True, True)])
async def test_a_plan_with_a_secret_that_somebody_wrote_is_told_without_its_bytes(
    operator: PlayedOperator, worker: Worker, *, made: bool, kept: bool
) -> None:
    worker.give("plan", PLAN, plan(named("Header", "X-Api-Key", "hunter2")))
    worker.brief = replace(worker.brief, inputs=replace(worker.brief.inputs, made=made))
    operator.start_in_ms = 0
    assert await ended(await worker.run("prepare")) == 0
    noted = ResultsFolder(worker.results).plan
    assert noted is not None
    assert (noted.packed is not None, noted.unkept is None) == (kept, kept)


async def test_a_plan_that_became_none_before_the_start_is_refused(
    operator: PlayedOperator, worker: Worker
) -> None:
    prepare = await worker.run("prepare")
    await operator.until(lambda: operator.starts > 0)
    worker.give("plan", PLAN, b"<project/>")
    operator.start_in_ms = 0
    assert await ended(prepare) == 2
    assert "is not a JMeter test plan" in worker.message.read_text()


@pytest.mark.parametrize("status", [401, 404, 503])
async def test_trouble_at_the_operator_is_waited_out(
    operator: PlayedOperator, worker: Worker, status: int
) -> None:
    operator.status = status
    prepare = await worker.run("prepare")
    await operator.until(lambda: operator.refused >= 2)
    operator.status, operator.start_in_ms = 200, 0
    assert await ended(prepare) == 0
    assert worker.said.count(str(status)) == 1


async def test_an_operator_that_is_away_is_waited_for(operator: PlayedOperator, worker: Worker) -> None:
    await operator.go_away()
    operator.start_in_ms = 0
    prepare = await worker.run("prepare")
    await operator.come()
    assert await ended(prepare) == 0


async def test_a_run_that_is_over_has_no_start(operator: PlayedOperator, worker: Worker) -> None:
    operator.status = 409
    assert await ended(await worker.run("prepare")) == 1


async def test_a_pod_that_is_deleted_does_not_wait(operator: PlayedOperator, worker: Worker) -> None:
    operator.start_in_ms = 600_000
    prepare = await worker.run("prepare")
    await operator.until(lambda: operator.starts > 0)
    assert await terminated(prepare) == 1


@pytest.mark.parametrize("index", ["", "2", "-1"])
async def test_a_worker_that_is_none_of_the_run_is_refused(worker: Worker, index: str) -> None:
    assert await ended(await worker.run("prepare", JOB_COMPLETION_INDEX=index)) == 2
    assert f"one of 2 workers, not '{index}'" in worker.said


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        ("", "DEVPERFOPS_BRIEF"),
        ("[]", "DEVPERFOPS_BRIEF"),
        ("{}", "DEVPERFOPS_BRIEF"),
    ],
)
async def test_impossible_orders_are_refused(worker: Worker, orders: str, told: str) -> None:
    assert await ended(await worker.run("prepare", DEVPERFOPS_BRIEF=orders)) == 2
    assert told in worker.said


async def test_a_results_folder_that_is_missing_is_refused(worker: Worker) -> None:
    worker.results.rmdir()
    assert await ended(await worker.run("prepare")) == 2
    assert "worker.properties" in worker.said
    assert "worker.properties" in worker.message.read_text()


async def test_an_address_that_is_none_is_refused(worker: Worker) -> None:
    orders = worker.brief.to_json().replace("http://", "ftp://")
    assert await ended(await worker.run("prepare", DEVPERFOPS_BRIEF=orders)) == 2
    assert "must begin with http" in worker.said
