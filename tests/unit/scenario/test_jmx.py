from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.jmx.texts import text
from devperfops_operator.scenario.overlay import read_overlay
from devperfops_operator.scenario.template import Stored, Template, Unique
from devperfops_operator.wire.jmx import problems, recorded_names

SHOP = Path(__file__).parents[3] / "examples" / "scenario" / "openapi.yaml"
SET_BY_A_GATE = {"NumOfThreads", "RampUp", "Duration", "TPM", "ServerName", "ServerPort", "Scheme"}


def shop() -> Any:
    return yaml.safe_load(SHOP.read_text())


def secured(scheme: dict[str, Any]) -> str:
    document = {
        "openapi": "3.1.0",
        "paths": {"/a": {"get": {"responses": {"200": {}}}}},
        "security": [{"who": []}],
        "components": {"securitySchemes": {"who": scheme}},
    }
    return jmx(plan(read(document))).decode()


def test_a_plan_is_what_a_gate_asks_for_and_each_name_is_recorded_once() -> None:
    made = jmx(plan(read(shop())))
    assert problems(made, SET_BY_A_GATE) == []
    assert set((recorded_names(made) or {}).values()) == {1}


def test_the_same_document_gives_the_same_bytes() -> None:
    assert jmx(plan(read(shop()))) == jmx(plan(read(shop())))
    assert jmx(plan(read(shop()), seed=2)) != jmx(plan(read(shop()), seed=1))


def test_weights_and_think_times_stand_in_the_plan() -> None:
    overlay = read_overlay({"weights": {"GET /customers": 25}, "thinkTime": {"GET /orders": "2s"}})
    made = jmx(plan(read(shop()), overlay)).decode()
    assert 'testname="GET /customers: 25 % of iterations"' in made
    assert '<stringProp name="ConstantTimer.delay">2000</stringProp>' in made


def test_a_plan_with_data_reads_it_from_the_gates_folder() -> None:
    made = jmx(plan(read(shop()), columns=["warehouseId"]), "stock.csv")
    assert problems(made, {"DataDir"}) == []
    assert b"${__P(DataDir,.)}/stock.csv" in made


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "${__P(who_key)}"),
        ({"type": "apiKey", "in": "query", "name": "key"}, "/a?key=${__P(who_key)}"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "sid=${__P(who_key)}"),
        ({"type": "http", "scheme": "bearer"}, "Bearer ${__P(who_token)}"),
        ({"type": "http", "scheme": "basic"}, "${__P(who_password)}"),
        ({"type": "openIdConnect", "openIdConnectUrl": "https://x.example"}, "Bearer ${__P(who_token)}"),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
            "client_secret=${__urlencode(${__P(who_client_secret)})}",
        ),
        (
            {
                "type": "oauth2",
                "flows": {"clientCredentials": {"tokenUrl": "https://x.example/token", "scopes": {}}},
            },
            "Bearer ${__P(who_token)}",
        ),
    ],
)
def test_a_secret_is_a_property(scheme: dict[str, Any], expected: str) -> None:
    made = ET.fromstring(secured(scheme))
    assert any(expected in (each.text or "") for each in made.iter("stringProp"))


@given(literal=st.text('a\\${}\r\n,"', max_size=12), gap=st.booleans())
def test_a_literal_is_never_evaluated(literal: str, gap: bool) -> None:  # noqa: FBT001
    """As JMeter reads it: escapes count only where there is an expression."""
    written = text(Template((literal, Stored("id")) if gap else (literal,)))
    evaluated = "${" in written
    for expression, value in (("${__char(36)}", "$"), ("${__char(13)}", "\r"), ("${id}", "")):
        written = written.replace(expression, f"\0{value}\0")
    assert "${" not in written.replace("\0", "") or literal.count("${") > 0
    if evaluated:
        written = written.replace("\\\\", "\\")
    assert written.replace("\0", "") == literal


def test_a_hostile_document_makes_xml_all_the_same() -> None:
    name = 'a${__P(x)}"<&>\x00\ud800\nb'
    responses = {
        "200": {"content": {"application/json": {"schema": {"properties": {name: {"type": "string"}}}}}}
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": name},
        "paths": {
            f"/{name}": {"get": {"responses": responses}},
            f"/b/{{{name}}}": {"get": {"responses": {}}},
            "/c": {
                "post": {
                    "requestBody": {"content": {"text/plain": {"schema": {"const": name}}}},
                    "parameters": [
                        {"name": "h", "in": "header", "required": True, "schema": {"const": name}}
                    ],
                    "responses": {},
                }
            },
        },
    }
    made = jmx(plan(read(document)))
    assert problems(made, SET_BY_A_GATE) == []
    assert recorded_names(made) is not None


def test_what_must_be_unique_says_so() -> None:
    assert text(Template((Unique(3, "ab", "name"),))) == "${__RandomString(3,ab,name)}"
