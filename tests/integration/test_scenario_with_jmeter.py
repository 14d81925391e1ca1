"""A plan made from a document alone, played by a real JMeter against a server that is strict."""

import asyncio
import base64
import csv
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from devperfops_operator.cli.scenario.source import open_document
from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.plan import Plan
from devperfops_operator.scenario.traffic import load
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
    return await results(jar, folder, plan(open_document(str(DOCUMENT))), served.port, {"shopKey_key": KEY})


async def results(
    jar: Path, folder: Path, made: Plan, port: int, secrets: dict[str, str]
) -> list[dict[str, str]]:
    (folder / "scenario.jmx").write_bytes(jmx(made))
    properties = {
        "NumOfThreads": "8",
        "RampUp": "1",
        "Duration": str(SECONDS),
        "TPM": "6000",
        "ServerName": "127.0.0.1",
        "ServerPort": str(port),
        **secrets,
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


RATES = {
    "GET /customers": 40.0,
    "GET /customers/{customerId}": 9.0,
    "GET /orders/{orderId}": 9.0,
    "POST /customers": 1.5,
    "POST /orders": 3.0,
    "PUT /orders/{orderId}": 1.5,
}


@pytest.mark.timeout(120)
async def test_production_is_replayed_with_its_rates_and_its_mix(
    jmeter_jar: Path, tmp_path: Path, served: Served
) -> None:
    made = plan(open_document(str(DOCUMENT)), rates=RATES)
    asked = load(made, scale=4, stall_s=0.1)
    rows = await results(
        jmeter_jar,
        tmp_path,
        made,
        served.port,
        {
            "shopKey_key": KEY,
            "TPM": str(asked.per_minute),
            "NumOfThreads": str(asked.threads),
            "RampUp": str(asked.ramp_up_s),
            "Duration": str(asked.ramp_up_s + SECONDS),
        },
    )
    begun = min(int(row["timeStamp"]) for row in rows) + 1000 * asked.ramp_up_s
    judged = Counter(row["label"] for row in rows if int(row["timeStamp"]) >= begun)
    wished = {step.name: RATES["GET /customers"] * step.weight.plays for step in made.steps}
    shares = [judged[name] / judged.total() - rate / sum(wished.values()) for name, rate in wished.items()]
    assert sum(map(abs, shares)) / 2 <= 0.02, judged
    assert judged.total() / SECONDS == pytest.approx(asked.per_minute / 60, rel=0.1)
    assert {(row["label"], row["responseCode"]) for row in rows if row["success"] != "true"} == set()
    assert all(wished[name] >= rate * 0.999 for name, rate in RATES.items())


TEXT = 'a "quoted" \\\\ back\\slash, ${__P(x)} $1'
SCHEMES = {
    "plain": {"type": "http", "scheme": "basic"},
    "jwt": {"type": "http", "scheme": "bearer"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "own": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
}
SECRETS = {
    "plain_username": "ann",
    "plain_password": "p&ss",
    "jwt_token": "abc.def",
    "query_key": "q1",
    "cookie_key": "c1",
    "own_client_id": "shop",
    "own_client_secret": "s&cret=",
}
SHOWN = {
    "plain": lambda request: (
        request.headers["Authorization"] == f"Basic {base64.b64encode(b'ann:p&ss').decode()}"
    ),
    "jwt": lambda request: request.headers["Authorization"] == "Bearer abc.def",
    "query": lambda request: request.query["key"] == "q1",
    "cookie": lambda request: request.cookies["sid"] == "c1",
    "own": lambda request: request.headers["Authorization"] == "Bearer for shop",
}
BODIES = {
    "application/json": {"type": "object", "properties": {"text": {"const": TEXT}}},
    "application/x-www-form-urlencoded": {"type": "object", "properties": {"text": {"const": TEXT}}},
    "multipart/form-data": {
        "type": "object",
        "properties": {"text": {"const": TEXT}, "file": {"type": "string", "format": "binary"}},
    },
    "text/plain": {"const": TEXT},
}


async def text_in(request: web.Request) -> str:
    if request.content_type == "application/json":
        return str((await request.json())["text"])
    if request.content_type == "text/plain":
        return await request.text()
    form = await request.post()
    if request.content_type == "multipart/form-data":
        assert isinstance(form["file"], web.FileField)
    return str(form["text"])


def speaking() -> web.Application:
    """Answers 200 only to the right credentials and to bodies that arrive as they were meant."""

    async def token(request: web.Request) -> web.Response:
        said = await request.post()
        right = (said["grant_type"], said["client_secret"]) == ("client_credentials", "s&cret=")
        return web.json_response({"access_token": f"for {said['client_id']}"}, status=200 if right else 401)

    async def shown(request: web.Request) -> web.Response:
        return web.Response(status=200 if SHOWN[request.match_info["scheme"]](request) else 401)

    async def taken(request: web.Request) -> web.Response:
        return web.Response(status=200 if await text_in(request) == TEXT else 400)

    app = web.Application()
    app.add_routes(
        [web.post("/token", token), web.get("/who/{scheme}", shown), web.post("/say/{kind}", taken)]
    )
    return app


@pytest.mark.timeout(120)
async def test_credentials_and_bodies_of_all_kinds_arrive_as_they_are_meant(
    jmeter_jar: Path, tmp_path: Path
) -> None:
    success = {"responses": {"200": {"description": ""}}}
    who = {f"/who/{name}": {"get": {"security": [{name: []}], **success}} for name in SCHEMES}
    say = {
        f"/say/{number}": {"post": {"requestBody": {"content": {kind: {"schema": schema}}}, **success}}
        for number, (kind, schema) in enumerate(BODIES.items())
    }
    made = plan(read({"openapi": "3.1.0", "paths": who | say, "components": {"securitySchemes": SCHEMES}}))
    runner = web.AppRunner(speaking(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    rows = await results(jmeter_jar, tmp_path, made, runner.addresses[0][1], SECRETS)
    await runner.cleanup()
    assert {row["label"] for row in rows} == {step.name for step in made.steps} | {"POST /token"}
    assert {(row["label"], row["responseCode"]) for row in rows if row["success"] != "true"} == set()
