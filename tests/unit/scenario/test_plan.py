"""Whose ids a plan uses, in which order, and what it leaves alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from devperfops_operator.scenario.chains import plan
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.errors import DocumentError
from devperfops_operator.scenario.overlay import Overlay, read_overlay
from devperfops_operator.scenario.plan import Plan
from devperfops_operator.scenario.template import Stored, Unique

SHOP = Path(__file__).parents[3] / "examples" / "scenario" / "openapi.yaml"


def thing(**properties: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}}


def answers(schema: Any = None, code: str = "200", **more: Any) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}} if schema else {}
    return {"responses": {code: {"description": "", **content, **more}}}


def takes(schema: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def plan_of(paths: dict[str, Any], overlay: Overlay | None = None, **more: Any) -> Plan:
    return plan(read({"openapi": "3.1.0", "info": {"title": "T"}, "paths": paths}), overlay, **more)


def names(made: Plan) -> list[str]:
    return [step.name for step in made.steps]


def origins(made: Plan) -> dict[str, dict[str, str]]:
    return {step.name: dict(step.origins) for step in made.steps if step.origins}


def reasons(made: Plan) -> dict[str, str]:
    return {each.key: each.reason for each in made.skipped}


def test_what_is_created_is_looked_at_changed_and_removed_at_the_end() -> None:
    order = thing(id="integer", total="number")
    made = plan_of(
        {
            "/orders/{orderId}": {
                "delete": answers(code="204"),
                "put": takes(order) | answers(),
                "get": answers(order),
            },
            "/orders": {
                "get": answers({"type": "array", "items": order}),
                "post": takes(order) | answers(order),
            },
            "/news": {"get": answers()},
        }
    )
    assert names(made) == [
        "POST /orders",
        "GET /orders",
        "GET /orders/{orderId}",
        "PUT /orders/{orderId}",
        "GET /news",
        "DELETE /orders/{orderId}",
    ]
    assert made.steps[2].origins == {"orderId": "POST /orders (created, $.id)"}
    assert [step.cleans_up for step in made.steps] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (thing(id="integer"), "$.id"),
        (thing(order_id="integer", id="string"), "$.order_id"),
        ({"properties": {"data": thing(uuid="string")}}, "$.data.uuid"),
        ({"properties": {"order": thing(id="integer"), "user": thing(id="integer")}}, "$.order.id"),
        ({"allOf": [thing(total="number"), thing(id="integer")]}, "$.id"),
        ({"properties": {"order-id": {"type": "integer"}}}, "$['order-id']"),
    ],
)
def test_the_id_is_found_in_the_answer_to_what_creates(schema: Any, path: str) -> None:
    made = plan_of({"/orders": {"post": answers(schema, "201")}, "/orders/{orderId}": {"get": answers()}})
    assert origins(made) == {"GET /orders/{orderId}": {"orderId": f"POST /orders (created, {path})"}}


def test_without_a_body_the_location_tells_the_id() -> None:
    located = answers(code="201", headers={"location": {}})
    made = plan_of({"/orders": {"post": located}, "/orders/{orderId}": {"get": answers()}})
    assert origins(made)["GET /orders/{orderId}"] == {"orderId": "POST /orders (created, Location)"}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "array", "items": thing(id="integer")}, "$[*].id"),
        ({"properties": {"items": {"type": "array", "items": thing(id="integer")}}}, "$.items[*].id"),
        ({"properties": {"orders": {"type": "array", "items": {"type": "string"}}}}, "$.orders[*]"),
        (
            {
                "properties": {
                    "users": {"type": "array", "items": thing(id="string")},
                    "orders": {"type": "array", "items": thing(id="string")},
                }
            },
            "$.orders[*].id",
        ),
    ],
)
def test_one_is_picked_from_a_list_where_nothing_is_created(schema: Any, path: str) -> None:
    made = plan_of({"/orders": {"get": answers(schema)}, "/orders/{orderId}": {"get": answers()}})
    assert origins(made) == {"GET /orders/{orderId}": {"orderId": f"GET /orders (listed, {path})"}}
    assert made.steps[0].extracts[0].any_of


def test_what_is_listed_is_neither_changed_nor_removed_nor_acted_upon() -> None:
    listed = answers({"type": "array", "items": thing(id="integer")})
    one = {"get": answers(), "put": answers(), "patch": answers(), "delete": answers()}
    made = plan_of(
        {"/orders": {"get": listed}, "/orders/{id}": one, "/orders/{id}/cancel": {"post": answers()}}
    )
    assert names(made) == ["GET /orders", "GET /orders/{id}"]
    assert reasons(made)["DELETE /orders/{id}"] == "it changes what the plan did not create"
    assert reasons(made)["POST /orders/{id}/cancel"] == "it acts on what the plan did not create"


def test_dangerous_names_and_excluded_operations_are_left_out_unless_included() -> None:
    paths = {
        "/admin/shutdown": {"post": answers()},
        "/jobs/purge-all": {"get": answers()},
        "/secret": {"get": answers() | {"x-devperfops": {"exclude": True}}},
        "/old": {"get": answers() | {"deprecated": True}},
        "/settings": {"put": answers()},
    }
    assert names(plan_of(paths)) == []
    everything = ["POST /admin/shutdown", "GET /jobs/purge-all", "GET /secret", "GET /old", "PUT /settings"]
    included = plan_of(paths, read_overlay({"include": everything}))
    assert sorted(names(included)) == sorted(everything)


def test_a_link_of_the_document_comes_first() -> None:
    linked = answers(
        thing(id="integer", ref="string"),
        "201",
        links={"get": {"operationId": "getOrder", "parameters": {"orderId": "$response.body#/ref"}}},
    )
    made = plan_of(
        {"/orders": {"post": linked}, "/orders/{orderId}": {"get": answers() | {"operationId": "getOrder"}}}
    )
    assert origins(made)["GET /orders/{orderId}"] == {
        "orderId": "POST /orders (a link of the document, $['ref'])"
    }


def test_nested_things_are_made_in_their_parents_and_removed_before_them() -> None:
    made = plan_of(
        {
            "/users/{userId}/pets/{petId}": {"get": answers(), "delete": answers()},
            "/users/{userId}/pets": {"post": answers(thing(id="integer"))},
            "/users/{userId}": {"delete": answers()},
            "/users": {"post": answers(thing(id="integer"))},
        }
    )
    assert names(made) == [
        "POST /users",
        "POST /users/{userId}/pets",
        "GET /users/{userId}/pets/{petId}",
        "DELETE /users/{userId}/pets/{petId}",
        "DELETE /users/{userId}",
    ]
    assert made.steps[2].needs == {"userId", "petId"}


def test_a_body_speaks_of_things_that_are_there() -> None:
    order = {"type": "object", "required": ["customerId"], "properties": {"customerId": {"type": "integer"}}}
    made = plan_of(
        {"/orders": {"post": takes(order) | answers()}, "/customers": {"post": answers(thing(id="integer"))}}
    )
    assert names(made) == ["POST /customers", "POST /orders"]
    body = made.steps[1].body
    assert body is not None
    assert "".join(map(str, body.parts)) == '{\n  "customerId": ' + str(Stored("customerId")) + "\n}"


def test_bodies_that_refer_to_each_other_still_have_an_order() -> None:
    first = {"type": "object", "required": ["bId"], "properties": {"bId": {"type": "integer"}}}
    other = {"type": "object", "required": ["aId"], "properties": {"aId": {"type": "integer"}}}
    made = plan_of(
        {
            "/a": {"post": takes(first) | answers(thing(id="integer"))},
            "/b": {"post": takes(other) | answers(thing(id="integer"))},
            "/a/{aId}": {"get": answers()},
            "/b/{bId}": {"get": answers()},
        }
    )
    assert len(names(made)) == 4
    assert [note for step in made.steps for note in step.notes] == ["aId is made up"]


def test_a_name_of_ours_is_new_each_time_and_found_again() -> None:
    user = {"type": "object", "required": ["username"], "properties": {"username": {"type": "string"}}}
    made = plan_of({"/users": {"post": takes(user) | answers()}, "/users/{username}": {"get": answers()}})
    body, path = made.steps[0].body, made.steps[1].path
    assert body is not None
    assert [part.store for part in body.parts if isinstance(part, Unique)] == ["username"]
    assert path.needs == {"username"}


def test_a_put_creates_under_a_new_name() -> None:
    put = answers(code="201")
    made = plan_of({"/buckets/{name}": {"put": put, "get": answers(), "delete": answers()}})
    assert names(made) == ["PUT /buckets/{name}", "GET /buckets/{name}", "DELETE /buckets/{name}"]
    assert made.steps[0].origins == {"name": "a new name"}


def test_texts_that_a_created_thing_holds_are_not_its_id() -> None:
    group = {"type": "object", "properties": {"members": {"type": "array", "items": {"type": "string"}}}}
    data = {"type": "object", "properties": {"data": group}}
    paths = {
        "/groups": {"post": takes(group) | answers(data)},
        "/groups/{id}": {"put": takes(group) | answers(code="201"), "get": answers(data)},
    }
    assert origins(plan_of(paths))["GET /groups/{id}"]["id"] == "PUT /groups/{id} (put under a name of ours)"
    ids = {"type": "array", "items": {"type": "string"}}
    paths["/groups"]["post"] = takes(group) | answers({"type": "object", "properties": {"group_ids": ids}})
    assert origins(plan_of(paths))["GET /groups/{id}"]["id"] == "POST /groups (created, $.group_ids[*])"


def test_a_list_of_values_goes_before_a_namesake_that_another_thing_shows() -> None:
    kind = {"name": "type", "in": "path", "required": True, "schema": {"enum": ["artists"]}}
    paths = {
        "/albums": {"get": answers({"type": "array", "items": thing(id="string", type="string")})},
        "/top/{type}": {"get": answers(), "parameters": [kind]},
    }
    assert origins(plan_of(paths)) == {"GET /top/{type}": {"type": "the document's value"}}
    free = {"parameters": [kind | {"schema": {"type": "string"}}]}
    shown = origins(plan_of(paths | {"/top/{type}": paths["/top/{type}"] | free}))
    assert shown == {"GET /top/{type}": {"type": "GET /albums (shown, $[*].type)"}}


def test_what_nobody_brings_comes_from_data_an_overlay_or_the_document() -> None:
    paths = {"/stores/{storeId}": {"get": answers()}}
    assert reasons(plan_of(paths)) == {"GET /stores/{storeId}": "needs data: storeId"}
    assert origins(plan_of(paths, columns=["storeId"])) == {
        "GET /stores/{storeId}": {"storeId": "data: column storeId"}
    }
    given = read_overlay({"values": {"*": {"storeId": 7}}})
    assert plan_of(paths, given).steps[0].path.filled(str) == "/stores/7"
    example = {
        "name": "storeId",
        "in": "path",
        "required": True,
        "schema": {"type": "integer"},
        "example": 12,
    }
    documented = plan_of({"/stores/{storeId}": {"get": answers() | {"parameters": [example]}}})
    assert origins(documented) == {"GET /stores/{storeId}": {"storeId": "the document's value"}}


def test_a_body_in_xml_has_the_names_attributes_and_wrappers_of_its_schema() -> None:
    schema = {
        "required": ["id", "name", "tags"],
        "xml": {"name": "pet", "namespace": "https://x.example", "prefix": "p"},
        "properties": {
            "id": {"type": "integer", "const": 7, "xml": {"attribute": True}},
            "name": {"const": "a<b"},
            "tags": {"type": "array", "minItems": 2, "xml": {"wrapped": True}, "items": {"const": 1}},
        },
    }
    body = {"requestBody": {"content": {"application/xml": {"schema": schema}}}}
    made = plan_of({"/pets": {"post": body | answers()}}).steps[0].body
    assert made is not None
    assert made.filled(str).splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<p:pet xmlns:p="https://x.example" id="7">',
        "  <name>a&lt;b</name>",
        "  <tags><tags>1</tags>",
        "  <tags>1</tags></tags>",
        "</p:pet>",
    ]


def test_an_operation_that_only_itself_could_help_is_left_out() -> None:
    made = plan_of({"/a/{aId}": {"get": answers(thing(aId="integer"))}})
    assert reasons(made) == {"GET /a/{aId}": "needs data: aId"}


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ({"weight": {}}, "field weight"),
        ({"weights": {"GET /customers": 0}}, "1 to 100"),
        ({"weights": {"POST /orders": 50}}, "others need the ids"),
        ({"thinkTime": {"GET /customers": "soon"}}, "up to 600s"),
        ({"exclude": ["GET /nothing"]}, "does not have"),
        ({"exclude": "GET /customers"}, "must list"),
        ([], "must have the fields"),
    ],
)
def test_an_overlay_that_cannot_be_followed_is_told(overlay: Any, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        plan(read(yaml.safe_load(SHOP.read_text())), read_overlay(overlay))


def test_an_operation_more_leaves_the_values_of_the_others_as_they_are() -> None:
    document = yaml.safe_load(SHOP.read_text())
    before = {step.name: step for step in plan(read(document)).steps}
    document["paths"] = {"/news": {"get": answers()}, **document["paths"]}
    after = {step.name: step for step in plan(read(document)).steps}
    assert {name: after[name] for name in before} == before


def required(*names: str, **properties: str) -> dict[str, Any]:
    return thing(**properties) | {"required": list(names)}


def bodies(made: Plan) -> dict[str, Any]:
    """As they are sent, with the names of variables in angle brackets."""

    def shown(part: Any) -> str:
        return f"<{part.name}>" if isinstance(part, Stored) else part if isinstance(part, str) else "new"

    return {step.name: json.loads(step.body.filled(shown)) for step in made.steps if step.body is not None}


def test_any_2xx_is_a_success_and_what_is_documented_is_known() -> None:
    (made,) = plan_of({"/flows": {"get": answers(code="200")}}).steps
    assert (made.codes, made.documented) == (["2XX"], ["200"])
    (elsewhere,) = plan_of({"/old": {"get": answers(code="302")}}).steps
    assert (elsewhere.codes, elsewhere.documented) == (["302"], ["302"])


def test_a_body_speaks_of_things_by_their_names_where_paths_do() -> None:
    pool = required("name", name="string")
    made = plan_of(
        {
            "/deployments": {
                "post": takes(required("title", "poolName", title="string", poolName="string")) | answers()
            },
            "/pools": {"post": takes(pool) | answers(pool, code="201")},
            "/pools/{name}": {"get": answers(pool)},
        }
    )
    assert names(made)[:2] == ["POST /pools", "POST /deployments"]
    assert "<pool_name>" in bodies(made)["POST /deployments"]["poolName"]


def test_a_list_of_ids_holds_the_one_that_is_there() -> None:
    tag = thing(id="string")
    listed = {
        "type": "object",
        "required": ["tagIds"],
        "properties": {"tagIds": {"type": "array", "items": {"type": "string"}}},
    }
    made = plan_of(
        {
            "/tags": {"post": takes(thing(label="string")) | answers(tag)},
            "/tags/{tagId}": {"get": answers(tag)},
            "/posts/filter": {"post": takes(listed) | answers()},
        }
    )
    assert bodies(made)["POST /posts/filter"] == {"tagIds": ["<tagId>"]}


def test_a_change_keeps_the_name_that_later_steps_need() -> None:
    queue = required("name", name="string")
    made = plan_of(
        {
            "/queues": {"post": takes(queue) | answers(code="201")},
            "/queues/{name}": {"patch": takes(queue) | answers(), "delete": answers(code="204")},
        }
    )
    assert bodies(made)["PATCH /queues/{name}"]["name"].endswith("<queue_name>")


def test_a_path_may_call_a_thing_by_its_id_and_by_its_name() -> None:
    flow = thing(id="string", name="string")
    made = plan_of(
        {
            "/flows": {"post": takes(required("name", name="string")) | answers(flow)},
            "/flows/{id}": {"get": answers(flow)},
            "/flows/{name}/latest": {"get": answers(flow)},
        }
    )
    assert origins(made) == {
        "GET /flows/{id}": {"id": "POST /flows (created, $.id)"},
        "GET /flows/{name}/latest": {"name": "POST /flows (created, $.name)"},
    }


def test_a_path_that_names_a_thing_after_itself_means_the_name_it_was_made_under() -> None:
    made = plan_of(
        {
            "/databases": {"post": takes(required("name", name="string")) | answers()},
            "/databases/{database}": {"get": answers()},
        }
    )
    assert origins(made)["GET /databases/{database}"] == {
        "database": "POST /databases (created under a name of ours, name)"
    }


def test_a_slash_at_the_end_of_a_collection_makes_no_difference() -> None:
    flow = thing(id="string")
    made = plan_of(
        {
            "/flows/": {"post": takes(thing(label="string")) | answers(flow)},
            "/flows/{id}": {"get": answers(flow)},
            "/runs/": {"post": takes(required("flow_id", flow_id="string")) | answers()},
        }
    )
    assert bodies(made)["POST /runs/"] == {"flow_id": "<flow_id>"}


def test_where_a_document_marks_what_is_required_the_rest_is_left_out() -> None:
    search = thing(limit="integer", where="string")
    made = plan_of(
        {
            "/orders": {"post": takes(required("total", total="integer")) | answers(thing(id="integer"))},
            "/orders/{id}": {
                "patch": takes(thing(customerId="string", note="string", total="integer")) | answers()
            },
            "/orders/search": {"post": takes(search) | answers()},
        }
    )
    assert bodies(made)["POST /orders/search"] == {}
    assert set(bodies(made)["PATCH /orders/{id}"]) == {"note"}
    silent = plan_of({"/orders/search": {"post": takes(search) | answers()}})
    assert set(bodies(silent)["POST /orders/search"]) == {"limit", "where"}
