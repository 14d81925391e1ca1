"""The judge of made values refuses what is wrong; else its silence would say nothing."""

from typing import Any

import pytest

from benchmarks.judge import Judge

NAMED = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"name": {"type": "string", "maxLength": 3}},
}


def judge(head: dict[str, Any], **schemas: Any) -> Judge:
    return Judge({**head, "components": {"schemas": schemas}})


@pytest.mark.parametrize("head", [{"swagger": "2.0"}, {"openapi": "3.0.0"}, {"openapi": "3.1.0"}])
def test_what_is_wrong_is_refused_also_through_references(head: dict[str, Any]) -> None:
    own = judge(head, Named=NAMED)
    schema = {"$ref": "#/components/schemas/Named"}
    assert own.refused(schema, {"id": 1, "name": "abc"}) is None
    assert own.refused(schema, {"id": 1, "name": "abcd"})
    assert own.refused(schema, {"name": "abc"})
    assert own.refused(schema, [])
    assert own.refused({"type": "string", "pattern": "^a$"}, "b")


def test_each_dialect_has_its_own_null_and_limits() -> None:
    older, modern = judge({"openapi": "3.0.0"}), judge({"openapi": "3.1.0"})
    assert older.refused({"type": "string", "nullable": True}, None) is None
    assert modern.refused({"type": "string", "nullable": True}, None)
    assert modern.refused({"type": ["string", "null"]}, None) is None
    assert older.refused({"minimum": 3, "exclusiveMinimum": True}, 3)
    assert modern.refused({"exclusiveMinimum": 3}, 3)


def test_a_request_needs_nothing_that_only_answers_have() -> None:
    read_only = {"type": "integer", "readOnly": True}
    schema = {"required": ["id"], "properties": {"id": {"$ref": "#/components/schemas/Id"}}}
    assert judge({"openapi": "3.0.0"}, Id=read_only).refused(schema, {}) is None
    assert judge({"openapi": "3.0.0"}, Id={"type": "integer"}).refused(schema, {})
