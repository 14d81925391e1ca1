"""What other tools send is read as JMeter would send it, and judged like ours."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.judge import Judge
from benchmarks.peers import jmeter, judging, taurus
from benchmarks.peers.ids import Ids
from benchmarks.peers.measure import sample
from benchmarks.peers.older import as_swagger
from benchmarks.peers.request import FROM_AN_ANSWER, Request
from benchmarks.peers.routes import asked
from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.operations import read_offer

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
PET = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "age": NUMBER}}
SHOP: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "shop", "version": "1"},
    "servers": [{"url": "https://shop.example.com/v1"}],
    "paths": {
        "/pets": {
            "post": {
                "parameters": [
                    {"name": "dry", "in": "query", "required": True, "schema": {"type": "boolean"}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
                "responses": {
                    "201": {
                        "description": "made",
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "properties": {"id": NUMBER, "name": TEXT}}
                            }
                        },
                    }
                },
            },
            "get": {
                "parameters": [
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": NUMBER}},
                    {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "listed"}},
            },
        },
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": NUMBER}],
            "get": {"responses": {"200": {"description": "shown"}}},
        },
        "/pets/mine": {"get": {"responses": {"200": {"description": "shown"}}}},
        "/login": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "required": ["user"],
                                "properties": {"user": TEXT, "age": NUMBER},
                            }
                        }
                    }
                },
                "responses": {"200": {"description": "in"}},
            }
        },
    },
    "components": {"schemas": {"Pet": PET}},
}
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
DRY = [("dry", "true")]
TRACE = {"x-trace": "a"}
OPERATIONS = read_offer(read(SHOP)).operations


def verdict(request: Request) -> str:
    (one,) = asked(OPERATIONS, [request])
    return judging.verdict(SHOP, Judge(SHOP), one)


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/v1/pets", DRY, JSON, '{"name": "a", "age": 3}'),
        Request("POST", "/v1/pets", DRY, JSON, f'{{"name": "a", "age": {FROM_AN_ANSWER}}}'),
        Request("GET", "/v1/pets", [], TRACE),
        Request("GET", "/v1/pets", [("tags", "1"), ("tags", "2")], TRACE),
        Request("GET", "/v1/pets", [("tags", "1,2")], TRACE),
        Request("GET", f"/v1/pets/{FROM_AN_ANSWER}"),
        Request("GET", "/v1/pets/0"),
        Request("POST", "/login", [], FORM, "user=12&age=3"),
        Request("POST", "/login"),
    ],
)
def test_what_the_document_wants_is_valid(request_: Request) -> None:
    assert verdict(request_) == "valid"


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        (Request("POST", "/v1/pets", DRY, JSON), "the body is missing"),
        (Request("POST", "/v1/pets", DRY, JSON, "0"), "body"),
        (Request("POST", "/v1/pets", DRY, JSON, '{"name": 0}'), "body"),
        (Request("POST", "/v1/pets", DRY, JSON, "${body}"), "body"),
        (Request("POST", "/v1/pets", [], JSON, '{"name": "a"}'), "query parameter dry is missing"),
        (Request("POST", "/v1/pets", [("dry", "0")], JSON, '{"name": "a"}'), "query parameter dry"),
        (Request("GET", "/v1/pets"), "header parameter X-Trace is missing"),
        (Request("GET", "/v1/pets", [("tags", "a")], TRACE), "query parameter tags"),
        (Request("GET", "/v1/pets/some_string"), "path parameter petId"),
        (Request("POST", "/login", [], FORM, "age=x"), "body"),
    ],
)
def test_what_is_missing_or_wrong_is_told(request_: Request, wrong: str) -> None:
    assert verdict(request_) == f"invalid: {wrong}"


def test_the_most_literal_path_has_the_request() -> None:
    found = asked(
        OPERATIONS, [Request("GET", "/v1/pets/mine"), Request("GET", "/v1/pets/7"), Request("PUT", "/pets/7")]
    )
    assert [each.operation.key for each in found] == ["GET /pets/mine", "GET /pets/{petId}"]
    assert found[1].gaps == {"petId": "7"}


def test_ids_out_of_nowhere_are_made_up() -> None:
    created = Request("POST", "/pets", DRY, JSON, '{"name": "rex"}')
    one, other, named, _ = found = asked(
        read_offer(
            read(SHOP | {"paths": SHOP["paths"] | {"/pets/{petId}/toys": SHOP["paths"]["/pets/{petId}"]}})
        ).operations,
        [
            Request("GET", f"/pets/{FROM_AN_ANSWER}"),
            Request("GET", "/pets/0/toys"),
            created,
            Request("GET", "/pets/mine"),
        ],
    )
    ids = Ids(SHOP, found)
    assert [ids.are_known(each) for each in (one, other, named)] == [True, False, True]
    own = asked(OPERATIONS, [Request("GET", "/pets/rex"), created])
    assert Ids(SHOP, own).are_known(own[0])


def test_our_own_plan_is_read_as_it_was_made(tmp_path: Path) -> None:
    file = tmp_path / "plan.jmx"
    file.write_bytes(jmx(plan(read(SHOP))))
    found = asked(OPERATIONS, jmeter.requests(file))
    assert {each.operation.key for each in found} == {each.key for each in OPERATIONS}
    counted = judging.count(SHOP, found)
    assert counted["valid"] == counted["sound"] == len(OPERATIONS)
    assert (counted["ids"], counted["answered"]) == (1, 1)


def test_a_plan_of_openapi_generator_takes_its_values_from_its_file(tmp_path: Path) -> None:
    def argument(name: str, value: str) -> str:
        return (
            f'<elementProp name="{name}" elementType="HTTPArgument"><stringProp name="Argument.name">{name}</stringProp>'
            f'<stringProp name="Argument.value">{value}</stringProp></elementProp>'
        )

    script = """${__javaScript("${body}".replace(/'/g\\, '"'),)}"""
    file = tmp_path / "PetsApi.jmx"
    file.write_text(
        '<jmeterTestPlan><hashTree><TestPlan/><hashTree><Arguments><elementProp name="data" elementType="Argument">'
        '<stringProp name="Argument.name">data</stringProp>'
        '<stringProp name="Argument.value">${__P(data,PetsApi.csv)}</stringProp></elementProp></Arguments><hashTree/>'
        '<ThreadGroup/><hashTree><HeaderManager><elementProp elementType="Header">'
        '<stringProp name="Header.name">X-Trace</stringProp>'
        '<stringProp name="Header.value">${__RandomString(3,qwe)}</stringProp></elementProp></HeaderManager><hashTree/>'
        '<HTTPSamplerProxy><boolProp name="HTTPSampler.postBodyRaw">true</boolProp>'
        f"{argument('dry', '${dry}')}{argument('body', script.replace(chr(34), '&quot;'))}"
        '<stringProp name="HTTPSampler.path">/v1/pets/${petId}/${other}</stringProp>'
        '<stringProp name="HTTPSampler.method">POST</stringProp></HTTPSamplerProxy>'
        '<hashTree><CSVDataSet><stringProp name="filename">${data}</stringProp></CSVDataSet><hashTree/></hashTree>'
        "</hashTree></hashTree></hashTree></jmeterTestPlan>"
    )
    (tmp_path / "PetsApi.csv").write_text("testCase,dry,body,petId\nSuccess,0,0,0\n")
    (request,) = jmeter.requests(file)
    assert request == Request("POST", "/v1/pets/0/${other}", [], {"x-trace": "qwe"}, "00")


def test_a_scenario_of_taurus_is_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    base = "${default-path}"
    requests = [
        {"url": f"{base}/pets?limit=1", "headers": {"X-Trace": "some_string"}},
        {"url": f"{base}/login", "method": "POST", "body": {"user": "some_string", "age": 1}},
        {
            "url": f"{base}/pets",
            "method": "POST",
            "body": {"a": 1},
            "headers": {"Content-Type": "application/json"},
        },
    ]
    file.write_text(
        json.dumps({"settings": {"env": {"default-path": "/v1"}}, "scenarios": {"s": {"requests": requests}}})
    )
    listed, form, body = taurus.requests(file)
    assert (listed.method, listed.path, listed.query) == ("GET", "/v1/pets", [("limit", "1")])
    assert listed.headers == {"x-trace": "some_string"}
    assert (form.body, form.headers["content-type"]) == (
        "user=some_string&age=1",
        "application/x-www-form-urlencoded",
    )
    assert body.body == '{"a": 1}'


def test_an_older_document_has_the_same_operations_and_parameters() -> None:
    older = read_offer(read(as_swagger(SHOP)))
    assert older.base_path == "/v1"
    assert {each.key for each in older.operations} == {each.key for each in OPERATIONS}
    for old, new in zip(older.operations, OPERATIONS, strict=True):
        assert [(each.name, each.where, each.required) for each in old.parameters] == [
            (each.name, each.where, each.required) for each in new.parameters
        ]
        assert (old.body is None) == (new.body is None)
    assert as_swagger({"swagger": "2.0"}) == {"swagger": "2.0"}


def test_a_sample_has_of_each_dialect_what_there_is(tmp_path: Path) -> None:
    heads = ['{"swagger": "2.0"}'] * 2 + ['{"openapi":"3.1.0"}'] * 9 + ['{"openapi": "3.0.1"}'] * 9
    files = []
    for at, head in enumerate([*heads, '{"openapi": "3.0.1"}' + " " * 100]):
        files.append(tmp_path / f"{at}.json")
        files[-1].write_text(head)
    taken = sample(files, 12, random.Random(1), 100)
    assert {name: len(each) for name, each in taken.items()} == {"2.0": 2, "3.0": 5, "3.1": 5}
    assert taken == sample(files, 12, random.Random(1), 100)
    assert files[-1] not in taken["3.0"]
