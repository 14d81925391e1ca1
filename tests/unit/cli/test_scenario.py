"""`devperfops scenario` as somebody at a terminal sees it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from devperfops_operator.cli.app import app
from devperfops_operator.wire.jmx import problems
from tests.shop import KEY, Shop

DOCUMENT = Path(__file__).parents[3] / "examples" / "scenario" / "openapi.yaml"
SMALL = (
    '{"openapi": "3.1.0", "info": {"title": "Small"}, "paths": {"/a": {"get": {"responses": {"200": {}}}}}}'
)


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["scenario", *map(str, args)])


def given(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    shop = Shop()
    runner = web.AppRunner(shop.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield shop, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def test_the_table_says_what_is_played_with_whose_ids_and_what_is_not() -> None:
    result = run(DOCUMENT)
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "GET /orders/{orderId} orderId: POST /orders (created, $.id) - -" in lines
    assert "DELETE /orders it changes what the plan did not create" in lines
    assert "12 of 15 operations played." in lines
    assert any("give columns warehouseId in a CSV file" in line for line in lines)
    assert any("shopKey_key" in line for line in lines)


PARTS = """
openapi: 3.1.0
info: {{title: Parts}}
paths:
  /a:
    get:
      parameters: [{{$ref: "{there}#/size"}}]
      responses: {{"200": {{}}}}
"""
SIZE = "size: {name: size, in: query, required: true, schema: {const: 4711}}\n"


@pytest.fixture
async def types() -> AsyncIterator[str]:
    """A server of schemas that several documents share."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=SIZE)

    app_of = web.Application()
    app_of.router.add_get("/types.yaml", answer)
    runner = web.AppRunner(app_of, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_references_lead_to_another_server_only_if_that_is_wanted(types: str, tmp_path: Path) -> None:
    file, made = given(tmp_path, "api.yaml", PARTS.format(there=f"{types}/types.yaml")), tmp_path / "plan.jmx"
    refused = await asyncio.to_thread(run, file, "-o", made)
    assert f"$ref {types}/types.yaml#/size could not be followed" in " ".join(refused.stdout.split())
    assert (await asyncio.to_thread(run, file, "-o", made, "--follow", types)).exit_code == 0
    assert "4711" in made.read_text()
    page = run(file, "--follow", f"{types}/types.yaml")
    assert page.exit_code == 2
    assert "is not a server" in page.stderr


def test_references_lead_to_files_beside_the_document_as_a_config_map_has_them(tmp_path: Path) -> None:
    data = tmp_path / "..2026_11_29_08_48_27.4711"
    data.mkdir()
    given(data, "api.yaml", PARTS.format(there="types.yaml"))
    given(data, "types.yaml", SIZE)
    (tmp_path / "..data").symlink_to(data.name)
    for name in ("api.yaml", "types.yaml"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    made = tmp_path / "plan.jmx"
    assert run(tmp_path / "api.yaml", "-o", made).exit_code == 0
    assert "4711" in made.read_text()


def test_no_reference_leads_out_of_the_folder(tmp_path: Path) -> None:
    given(tmp_path, "types.yaml", SIZE)
    (tmp_path / "api").mkdir()
    for there in ("../types.yaml", "%2e%2e/types.yaml", "a/../../types.yaml"):
        file = given(tmp_path / "api", "api.yaml", PARTS.format(there=there))
        assert "could not be followed" in run(file).stdout, there


def test_a_plan_is_written_and_a_gate_can_use_it(tmp_path: Path) -> None:
    target = tmp_path / "scenario.jmx"
    assert run(DOCUMENT, "-o", target).exit_code == 0
    assert problems(target.read_bytes(), {"NumOfThreads", "Duration", "ServerName"}) == []


def test_an_overlay_and_data_bring_what_the_document_lacks(tmp_path: Path) -> None:
    data = given(tmp_path, "stock.csv", "warehouseId\nA1\n")
    overlay = given(tmp_path, "overlay.yaml", "exclude: [GET /customers]\nthinkTime: {GET /orders: 500ms}\n")
    target = tmp_path / "scenario.jmx"
    result = run(DOCUMENT, "--data", data, "--overlay", overlay, "-o", target, "--json")
    told = json.loads(result.stdout)
    assert told["schema"] == "devperfops.io/scenario/v1"
    assert told["columns"] == ["warehouseId"]
    assert {"operation": "GET /customers", "reason": "the overlay excludes it"} in told["leftOut"]
    assert b"/stock.csv" in target.read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "[]", "is not an OpenAPI document"),
        ("a.yaml", "a: [", "is neither JSON nor YAML"),
        ("a.json", '{"openapi": "2.9", "paths": {}}', "must have openapi 3.0 or 3.1, or swagger 2.0"),
        ("a.json", "[" * 5_000, "nested too deeply"),
        ("a.yaml", "&a [*a]", "is not an OpenAPI document"),
        ("a.yaml", "{openapi: 3.1.0, paths: {}, x: &a [*a]}", ""),
    ],
)
def test_a_document_that_cannot_be_used_is_told(tmp_path: Path, name: str, text: str, said: str) -> None:
    result = run(given(tmp_path, name, text))
    assert said in result.stderr
    assert result.exit_code == (2 if said else 0)


def test_what_lies_outside_of_the_documents_folder_is_not_read(tmp_path: Path) -> None:
    given(tmp_path, "secret.json", '{"type": "string", "const": "do not tell"}')
    (tmp_path / "docs").mkdir()
    schema = {"$ref": "../secret.json"}
    parameter = {"name": "q", "in": "query", "required": True, "schema": schema}
    document = {"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [parameter]}}}}
    result = run(given(tmp_path / "docs", "a.json", json.dumps(document)))
    assert "do not tell" not in result.stdout
    assert "$ref ../secret.json could not be followed" in result.stdout


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--overlay", "weight: {}", "field weight, which is not known"),
        ("--overlay", "exclude: [GET /nothing]", "which the document does not have"),
        ("--data", "warehouse id\n1\n", "the name 'warehouse id'"),
        ("--data", "warehouseId\n", "no rows"),
        ("--data", "", "no"),
    ],
)
def test_what_is_added_by_hand_wrongly_is_told(tmp_path: Path, option: str, text: str, said: str) -> None:
    result = run(given(tmp_path, "small.json", SMALL), option, given(tmp_path, "added", text))
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = run(tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert "cannot be read: No such file" in result.stderr


async def test_a_check_asks_each_operation_once_and_leaves_nothing(
    shop: tuple[Shop, str], tmp_path: Path
) -> None:
    served, address = shop
    secrets = given(tmp_path, "secrets.properties", f"# of the shop\nshopKey_key = {KEY}\n")
    result = await asyncio.to_thread(run, DOCUMENT, "--check", address, "--secrets", secrets)
    assert "12 of 12 operations answered with success" in result.stdout
    assert result.exit_code == 0
    assert sum(map(sum, (codes.values() for codes in served.answered.values()))) == 12
    assert (served.customers, served.orders) == ({}, {})


async def test_a_check_tells_what_was_not_answered_as_documented(shop: tuple[Shop, str]) -> None:
    _, address = shop
    result = await asyncio.to_thread(run, DOCUMENT, "--check", address)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(line.startswith("POST /customers 401") and "documented: 201" in line for line in lines)
    assert any(line.startswith("GET /orders/{orderId} - - not asked: no answer has shown") for line in lines)
    assert result.exit_code == 1


async def test_a_document_may_come_from_the_target_itself() -> None:
    async def document(_: web.Request) -> web.Response:
        return web.json_response(json.loads(SMALL))

    app_ = web.Application()
    app_.router.add_get("/openapi.json", document)
    runner = web.AppRunner(app_, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    result = await asyncio.to_thread(run, f"{url}/openapi.json")
    assert "1 of 1 operation played." in result.stdout
    gone = await asyncio.to_thread(run, f"{url}/nothing.json")
    assert (gone.exit_code, "cannot be fetched" in gone.stderr) == (2, True)
    await runner.cleanup()
