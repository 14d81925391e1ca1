import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.document import Dialect, read
from devperfops_operator.scenario.errors import DocumentError, Unusable
from devperfops_operator.scenario.jmx import jmx
from devperfops_operator.scenario.operations import read_offer
from devperfops_operator.wire.jmx import problems

SHOP = Path(__file__).parents[3] / "examples" / "scenario" / "openapi.yaml"


@pytest.mark.parametrize(
    ("head", "dialect"),
    [
        ({"openapi": "3.1.0"}, Dialect.OPENAPI_3_1),
        ({"openapi": "3.0.3"}, Dialect.OPENAPI_3_0),
        ({"swagger": "2.0"}, Dialect.SWAGGER_2),
        ({"swagger": 2.0}, Dialect.SWAGGER_2),
    ],
)
def test_three_dialects_are_known(head: dict[str, Any], dialect: Dialect) -> None:
    assert read({**head, "paths": {}}).dialect is dialect


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"openapi": "4.0"},
        {"swagger": "1.2"},
        {"openapi": "3.0.0"},
        {"openapi": "3.0.0", "paths": []},
    ],
)
def test_anything_else_is_told(data: Any) -> None:
    with pytest.raises(DocumentError):
        read(data)


def test_other_documents_are_taken_in_once_and_their_references_stay_theirs() -> None:
    fetched: list[str] = []

    def fetch(address: str) -> Any:
        fetched.append(address)
        return {"A": {"$ref": "#/B"}, "B": {"type": "integer"}, "Loop": {"$ref": "main.yaml#/x"}}

    document = read(
        {"openapi": "3.1.0", "paths": {}, "x": {"$ref": "other.yaml#/A"}, "y": {"$ref": "other.yaml#/Loop"}},
        "file:///docs/main.yaml",
        fetch,
    )
    assert fetched == ["file:///docs/other.yaml"]
    assert document.resolved(document.root["x"]) == {"type": "integer"}
    assert document.resolved(document.root["y"]) == {"type": "integer"}


def test_a_reference_to_a_document_that_cannot_be_had_is_told() -> None:
    def fetch(address: str) -> Any:
        raise DocumentError(f"{address} is not beside the document")

    document = read(
        {"openapi": "3.1.0", "paths": {}, "x": {"$ref": "other.yaml#/A"}}, "file:///main.yaml", fetch
    )
    with pytest.raises(Unusable, match="could not be followed"):
        document.resolved(document.root["x"])


@pytest.mark.parametrize("reference", ["#/x", "#/nowhere", "#/list/9", "other.yaml", "#/y"])
def test_a_reference_in_a_circle_or_to_nowhere_is_told(reference: str) -> None:
    document = read(
        {"openapi": "3.1.0", "paths": {}, "x": {"$ref": reference}, "y": {"$ref": "#/x"}, "list": []}
    )
    with pytest.raises(Unusable):
        document.resolved(document.root["x"])


def test_aliases_of_aliases_cost_no_more_than_they_weigh() -> None:
    node: Any = {"type": "string"}
    for _ in range(60):
        node = {"properties": {"a": node, "b": node}}
    assert read({"openapi": "3.1.0", "paths": {}, "x": node}).root["x"]["properties"]["a"]


def test_a_document_nested_too_deeply_is_told() -> None:
    node: Any = {}
    for _ in range(900):
        node = {"a": node}
    with pytest.raises(DocumentError, match="deep"):
        read({"openapi": "3.1.0", "paths": {}, "x": node})


HOSTILE: list[Any] = [
    None,
    7,
    "x",
    [],
    [None],
    {"get": 5},
    {"get": {"parameters": 7, "responses": []}},
    {"get": {"parameters": [None, 5, {"in": "query"}, {"in": [], "name": {}}], "responses": {"200": 5}}},
    {"post": {"requestBody": {"content": {"application/json": None}}, "responses": {200: {"content": 3}}}},
    {"post": {"requestBody": {"$ref": "#/nowhere"}}},
    {"get": {"security": [5, {"x": []}], "responses": {"200": {"links": {"a": {"operationId": 4}}}}}},
    {"$ref": "#/paths/~1a"},
    {
        "get": {
            "parameters": [
                {"name": "q", "in": "query", "required": True, "schema": {"type": ["odd", 4], "enum": 5}}
            ]
        }
    },
]


@pytest.mark.parametrize("item", HOSTILE)
@pytest.mark.parametrize("head", [{"openapi": "3.1.0"}, {"openapi": "3.0.0"}, {"swagger": "2.0"}])
def test_a_part_that_makes_no_sense_is_left_out(item: Any, head: dict[str, Any]) -> None:
    made = plan(read({**head, "paths": {"/a": item, "/b": {"get": {}}}}))
    assert [step.name for step in made.steps if step.name.endswith("/b")] == ["GET /b"]


@pytest.mark.parametrize(
    ("head", "base"),
    [
        ({"openapi": "3.0.0", "servers": [{"url": "https://shop.example/api/v1/"}]}, "/api/v1"),
        ({"openapi": "3.0.0", "servers": [{"url": "/{v}", "variables": {"v": {"default": "v2"}}}]}, "/v2"),
        ({"openapi": "3.0.0"}, ""),
        ({"swagger": "2.0", "basePath": "/v3"}, "/v3"),
        ({"openapi": "3.0.0", "servers": [{"url": "http://[::1"}]}, ""),
    ],
)
def test_the_path_of_the_server_stands_before_all(head: dict[str, Any], base: str) -> None:
    assert read_offer(read({**head, "paths": {}})).base_path == base


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-9, 10**12),
        st.floats(),
        st.text(max_size=3),
        st.sampled_from(
            ["#/components/schemas/Order", "#/paths", "$ref", "string", "array", "object", "3.1.0"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["$ref", "type", "enum", "items", "properties", "allOf", "oneOf", "required", "x"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=5,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


WHOLE = yaml.safe_load(SHOP.read_text())
PLACES = list(places(WHOLE))


@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_document_it_gives_a_plan_or_a_reason(changes: list[tuple[Any, Any]]) -> None:
    document = copy.deepcopy(WHOLE)
    for path, value in changes:
        node = document
        for key in path[:-1]:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        if isinstance(node, dict):
            node[path[-1]] = value
    try:
        made = plan(read(document))
    except DocumentError:
        return
    assert problems(jmx(made), {"Duration"}) == []
