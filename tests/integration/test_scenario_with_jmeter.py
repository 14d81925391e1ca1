"""A plan made from a document alone, played by a real JMeter against a server that is strict."""

import asyncio
import csv
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from devperfops_operator.cli.scenario.source import open_document
from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.jmx import jmx
from hack import jmeter
from hack.cluster.settings import CHECKOUT
from tests.conftest import require_layer
from tests.shop import KEY, Shop

DOCUMENT = CHECKOUT / "examples" / "scenario" / "openapi.yaml"
SECONDS = 10


@dataclass
class Served:
    shop: Shop = field(default_factory=Shop)
    port: int = 0


@pytest.fixture(scope="module")
def jmeter_jar() -> Path:
    require_layer("JMeter", jmeter.problem())
    return jmeter.jar(jmeter.ensure())


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    runner = web.AppRunner(served.shop.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.port = runner.addresses[0][1]
    yield served
    await runner.cleanup()


async def played(jar: Path, folder: Path, served: Served) -> list[dict[str, str]]:
    """The rows of JMeter's result file."""
    (folder / "scenario.jmx").write_bytes(jmx(plan(open_document(str(DOCUMENT)))))
    properties = {
        "NumOfThreads": "8",
        "RampUp": "1",
        "Duration": str(SECONDS),
        "TPM": "6000",
        "ServerName": "127.0.0.1",
        "ServerPort": str(served.port),
        "shopKey_key": KEY,
    }
    (folder / "all.properties").write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    process = await asyncio.create_subprocess_exec(
        *("java", "-Xmx256m", "-jar", str(jar), "-n", "-t", "scenario.jmx", "-q", "all.properties"),
        *("-l", "run.jtl", "-j", "jmeter.log"),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    with (folder / "run.jtl").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(120)
async def test_a_plan_from_a_document_alone_is_answered_with_success(
    jmeter_jar: Path, tmp_path: Path, served: Served
) -> None:
    rows = await played(jmeter_jar, tmp_path, served)
    by_label: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_label[row["label"]].append(row["success"] == "true")
    assert {
        label: sum(good) / len(good) for label, good in by_label.items() if sum(good) < 0.9 * len(good)
    } == {}
    assert set(by_label) == {step.name for step in plan(open_document(str(DOCUMENT))).steps}
    for operation, codes in served.shop.answered.items():
        assert sum(count for code, count in codes.items() if code < 300) >= 0.9 * sum(codes.values()), (
            operation
        )
    assert min(map(len, by_label.values())) >= 5


@pytest.mark.timeout(120)
async def test_a_plan_removes_what_it_created_and_nothing_else(
    jmeter_jar: Path, tmp_path: Path, served: Served
) -> None:
    theirs = {"id": "7e7b8e4e-32c5-4b9c-9a4c-0b6f8a8b4a6f", "customerId": 0, "lines": {}}
    served.shop.orders[theirs["id"]] = dict(theirs)
    await played(jmeter_jar, tmp_path, served)
    assert served.shop.orders[theirs["id"]] == theirs
    created = served.shop.answered["POST /orders"][201]
    assert created > 8
    assert len(served.shop.orders) <= 1 + 8, "at most one per thread, which the end of the test has cut off"
