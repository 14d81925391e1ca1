"""Values against their schemas, as an independent validator sees them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.document import read
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.schema.make import Maker

FORMATS = Draft202012Validator.FORMAT_CHECKER
NAMES = st.sampled_from(["id", "name", "email", "kind", "total", "x-y"])


def maker(version: str = "3.1.0", **schemas: Any) -> Maker:
    return Maker(read({"openapi": version, "paths": {}, "components": {"schemas": schemas}}))


def made(schema: Any, seed: int = 1, **schemas: Any) -> Any:
    return maker(**schemas).value(schema, Dice(str(seed)))


def limits(low: str, high: str, most: int) -> st.SearchStrategy[dict[str, Any]]:
    pair = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted)
    both = pair.map(lambda two: {low: two[0], high: two[1]})
    return st.one_of(
        st.just({}), both, pair.map(lambda two: {low: two[0]}), pair.map(lambda two: {high: two[1]})
    )


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.items()}


TEXTS = st.builds(
    merged,
    st.just({"type": "string"}),
    limits("minLength", "maxLength", 40),
    st.sampled_from([{}, {}, {"pattern": "^[a-z]*$"}, {"format": "date"}, {"format": "uuid"}]),
)
NUMBERS = st.builds(
    merged,
    st.sampled_from([{"type": "integer"}, {"type": "number"}]),
    limits("minimum", "maximum", 50),
    st.sampled_from([{}, {}, {"multipleOf": 3}, {"multipleOf": 0.5}, {"exclusiveMinimum": 2}]),
)
LEAVES = st.one_of(
    TEXTS,
    NUMBERS,
    st.just({"type": "boolean"}),
    st.just({"type": ["string", "null"]}),
    st.just({"enum": ["a", 1, None, {"b": [True]}]}),
    st.just({"const": "fixed"}),
    st.just({"type": "integer", "examples": ["wrong", 7], "default": 3}),
    st.just({"type": "string", "not": {"enum": ["a"]}}),
)


def inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.builds(
        merged,
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        limits("minItems", "maxItems", 4),
        st.sampled_from([{}, {"uniqueItems": True}]),
    )
    objects = st.builds(
        lambda properties, required, rest: {
            "type": "object",
            "properties": properties,
            "required": required,
            **rest,
        },
        st.dictionaries(NAMES, inner, max_size=4),
        st.lists(NAMES, unique=True, max_size=3),
        st.sampled_from(
            [{}, {"additionalProperties": False}, {"minProperties": 2}, {"additionalProperties": {}}]
        ),
    )
    several = st.lists(inner, min_size=1, max_size=3)
    combined = st.builds(lambda word, of: {word: of}, st.sampled_from(["allOf", "anyOf", "oneOf"]), several)
    return st.one_of(lists, objects, combined)


@given(schema=st.recursive(LEAVES, inside, max_leaves=8), seed=st.integers(0, 50))
@settings(max_examples=400, deadline=None)
def test_a_made_value_is_valid(schema: Any, seed: int) -> None:
    try:
        value = made(schema, seed)
    except Unusable:
        return
    Draft202012Validator(schema, format_checker=FORMATS).validate(value)


@given(schema=st.one_of(TEXTS, NUMBERS), seed=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_the_same_seed_makes_the_same_value(schema: Any, seed: int) -> None:
    def attempt() -> Any:
        try:
            return made(schema, seed)
        except Unusable as trouble:
            return str(trouble)

    assert attempt() == attempt()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/Tree"}}},
        {"prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "items": False},
        {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
        {"type": "number", "minimum": 0.001, "maximum": 0.002},
        {"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0, "maximum": 1},
        {"type": "string", "pattern": "^[0-9a-f]+$", "minLength": 24, "maxLength": 24},
        {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
        {"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "integer"}}}, {"required": ["b"]}]},
        {"oneOf": [{"type": "null"}, {"type": "integer", "minimum": 5}]},
        {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "required": ["x-a"]},
        {"type": "array", "contains": {"const": 7}, "minItems": 1},
    ],
)
def test_a_keyword_is_honoured(schema: Any) -> None:
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
    }
    value = made(schema, Tree={**tree, "properties": {}})
    whole = {"components": {"schemas": {"Tree": tree}}, "$defs": {"Tree": tree}, **schema}
    Draft202012Validator(whole).validate(value)


def test_an_authors_example_is_taken_where_it_fits() -> None:
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "string", "example": "x"}},
    }
    schema["properties"]["b"] = {"type": "integer", "example": "not a number", "default": 4}
    assert made(schema) == {"a": "x", "b": 4}


def test_only_what_is_required_or_exemplified_is_made() -> None:
    properties = {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string", "default": "d"}}
    assert set(made({"type": "object", "required": ["a"], "properties": properties})) == {"a", "c"}
    assert set(made({"type": "object", "properties": properties})) == {"a", "b", "c"}


def test_what_only_answers_have_is_not_sent() -> None:
    properties = {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}}
    schema = {"type": "object", "required": ["id", "name"], "properties": properties}
    assert set(made(schema)) == {"name"}
    assert made(schema | {"example": {"id": 4, "name": "x"}}) == {"name": "x"}


def test_a_discriminator_names_the_option_taken() -> None:
    pets = {
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Pet": {
            "oneOf": [{"$ref": "#/components/schemas/Cat"}],
            "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat"}},
        },
    }
    assert made({"$ref": "#/components/schemas/Pet"}, **pets) == {"kind": "cat"}


def test_older_dialects_say_null_and_exclusive_in_their_own_way() -> None:
    older = maker("3.0.3")
    schema = {"type": "integer", "minimum": 4, "exclusiveMinimum": True, "maximum": 5}
    assert older.value(schema, Dice("1")) == 5
    assert older.checker.fits({"type": "string", "nullable": True}, None)
    assert not maker().checker.fits({"type": "string", "nullable": True}, None)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "string", "minLength": 5, "maxLength": 2}, "no text has at least 5"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "must be string and integer"),
        ({"$ref": "#/components/schemas/None"}, "points nowhere"),
        ({"$ref": "#/components/schemas/Loop"}, "refers to itself"),
        ({"$ref": "#/components/schemas/Endless"}, "without end"),
        ({"type": "string", "pattern": "(a)\\1"}, "back reference"),
        (
            {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
            "different items",
        ),
        ({"required": ["a"], "additionalProperties": False}, "not among the properties"),
        ({"type": "array", "minItems": 10**9}, "too much"),
        (False, "nothing is allowed"),
        (7, "a schema is an object"),
    ],
)
def test_what_cannot_be_made_says_why(schema: Any, reason: str) -> None:
    endless = {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"$ref": "#/components/schemas/Endless"}},
    }
    with pytest.raises(Unusable, match=reason):
        made(schema, Loop={"$ref": "#/components/schemas/Loop"}, Endless=endless)


def test_a_schema_that_doubles_at_each_level_ends_soon() -> None:
    two = {"type": "array", "minItems": 2, "items": {"$ref": "#/components/schemas/Two"}}
    with pytest.raises(Unusable):
        made({"$ref": "#/components/schemas/Two"}, Two=two)


FORMATS_ALONE = {"oneOf": [{"type": "string", "format": "uri"}, {"type": "string", "format": "binary"}]}


def test_an_option_that_only_a_format_tells_apart_is_not_taken_where_another_is_to_be_had() -> None:
    schema = {"oneOf": [*FORMATS_ALONE["oneOf"], {"type": "integer"}]}
    value = made(schema)
    assert isinstance(value, int)
    Draft202012Validator(schema).validate(value)


def test_what_is_optional_is_left_out_where_validators_without_formats_would_refuse_it() -> None:
    schema = {"type": "object", "properties": {"image": FORMATS_ALONE, "name": {"type": "string"}}}
    assert set(made(schema)) == {"name"}
    assert set(made(schema | {"required": ["image"]})) == {"image"}


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("File type ('file', 'directory')", {"file", "directory"}),
        ("Format of content (one of null, 'text', 'base64', or 'json')", {"text", "base64", "json"}),
        ("Either `asc` or `desc`.", {"asc", "desc"}),
        ('"up" | "down"', {"up", "down"}),
    ],
)
def test_words_that_a_description_lists_are_taken(description: str, words: set[str]) -> None:
    schema = {"type": "string", "description": description}
    assert {made(schema, seed) for seed in range(20)} == words
    assert made(schema | {"maxLength": 1}) not in words
    assert made(schema | {"default": "other"}) == "other"


@pytest.mark.parametrize(
    "description",
    ["A word like 'file'", "It must not be 'a' or 'b'", "the owner's name, or the pet's name", ""],
)
def test_a_description_that_lists_nothing_to_send_says_nothing(description: str) -> None:
    assert made({"type": "string", "description": description}) == made({"type": "string"})
