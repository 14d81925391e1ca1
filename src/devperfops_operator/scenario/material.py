"""The values of one operation, before ids are put in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from devperfops_operator.scenario import bodies, serialise
from devperfops_operator.scenario.dice import Dice
from devperfops_operator.scenario.document import Document
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.model import Body, Operation, Parameter, Where
from devperfops_operator.scenario.naming import collection_of, is_reference, items, place, template_key
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.schema.check import mapping, names
from devperfops_operator.scenario.schema.make import Maker, SparingMaker

BODY: Final = "body"
"""Under this name an overlay gives a whole body."""


@dataclass(frozen=True)
class Sent:
    """One parameter and its value."""

    parameter: Parameter
    value: Any


@dataclass(frozen=True)
class Material:
    """`documented`: of path parameters, those whose value is their author's example or one of a list.

    `listed`: those of them whose schema lists all that they can be.
    """

    parameters: Sequence[Sent]
    body: Any
    given: frozenset[str]
    """Parameters whose value an overlay gives."""
    documented: frozenset[str]
    listed: frozenset[str]


@dataclass(frozen=True)
class Makers:
    """`whole` sends all of an object in which nothing is marked as required, `sparing` nothing of it.

    `created`: paths at which things are made. Without any mark in the document both are the same.
    """

    whole: Maker
    sparing: Maker
    created: Collection[str]

    @classmethod
    def of(cls, document: Document, operations: Sequence[Operation]) -> Self:
        whole = Maker(document)
        marked = any(_marks(whole, each.body.schema) for each in operations if each.body is not None)
        created = {collection_of(place(key)) for each in operations for _, key in items(each.path)}
        return cls(whole, SparingMaker(document) if marked else whole, created)

    def body(self, operation: Operation, body: Body, dice: Dice) -> Any:
        """What is made is whole, what is changed is at least one thing, a search is as wide as it can be.

        Raises:
            Unusable: why there is none.
        """
        makes = operation.method == "POST" and template_key(operation.path) in self.created
        if makes or operation.method == "PUT":
            return self.whole.value(body.schema, dice, body.examples)
        made = self.sparing.value(body.schema, dice, body.examples)
        return self._change(body, dice) if operation.method == "PATCH" and made == {} else made

    def _change(self, body: Body, dice: Dice) -> Any:
        """One property that is neither an object nor another thing's id, if that is enough."""
        whole = self.whole.value(body.schema, dice, body.examples)
        changes = (
            {name: value}
            for name, value in (whole.items() if isinstance(whole, dict) else ())
            if isinstance(value, str | bool | int | float) and not is_reference(name)
        )
        return next((each for each in changes if self.whole.checker.fits(body.schema, each)), whole)


def _marks(maker: Maker, schema: Any) -> bool:
    try:
        return bool(names(maker.merger.flat(schema).keywords.get("required")))
    except Unusable:
        return False


class Materials:
    """Makes them for the operations of one document."""

    def __init__(self, makers: Makers, overlay: Overlay, seed: int) -> None:
        self._makers = makers
        self._maker = makers.whole
        self._overlay = overlay
        self._seed = seed

    def of(self, operation: Operation) -> Material:
        """What is required, and what the overlay gives.

        Raises:
            Unusable: a value cannot be made.
        """
        dice = Dice(f"{self._seed}:{operation.key}")
        sent = [
            Sent(parameter, self._value(operation, parameter, dice))
            for parameter in operation.parameters
            if parameter.required or self._overlay.value(operation.key, parameter.name) is not None
        ]
        return Material(
            parameters=sent,
            body=self._body(operation, operation.body, dice.child(BODY)) if operation.body else None,
            given=frozenset(
                each.parameter.name
                for each in sent
                if self._overlay.value(operation.key, each.parameter.name) is not None
            ),
            documented=frozenset(
                each.parameter.name
                for each in sent
                if each.parameter.where is Where.PATH and self._is_documented(each)
            ),
            listed=frozenset(
                each.parameter.name
                for each in sent
                if each.parameter.where is Where.PATH and "enum" in self._keywords(each.parameter.schema)
            ),
        )

    def _value(self, operation: Operation, parameter: Parameter, dice: Dice) -> Any:
        given = self._overlay.value(operation.key, parameter.name)
        if given is not None:
            return given
        throw = dice.child(parameter.name)
        try:
            made = self._maker.value(parameter.schema, throw, parameter.examples, parameter.name)
        except Unusable as trouble:
            raise Unusable(f"{parameter.where} parameter {parameter.name}: {trouble}") from None
        if parameter.where is Where.PATH and not any(serialise.in_path(parameter, made).parts):
            raise Unusable(f"path parameter {parameter.name}: its place in the path would be empty")
        return made

    def _body(self, operation: Operation, body: Body, dice: Dice) -> Any:
        given = self._overlay.value(operation.key, BODY)
        if given is not None:
            return given
        if not _is_supported(body.media_type):
            text = next((each for each in body.examples if isinstance(each, str)), None)
            if text is None:
                raise Unusable(f"its body is {body.media_type}, which needs an example in the document")
            return text
        try:
            made = self._makers.body(operation, body, dice)
        except Unusable as trouble:
            raise Unusable(f"body: {trouble}") from None
        if not isinstance(made, dict):
            if bodies.is_form(body.media_type) or bodies.is_multipart(body.media_type):
                raise Unusable("body: a form must be an object with fields")
            return made
        named = self._overlay.values.get(operation.key, {})
        parameters = {each.name for each in operation.parameters}
        return made | {name: value for name, value in named.items() if name not in parameters | {BODY}}

    def _is_documented(self, sent: Sent) -> bool:
        """An id cannot be made up; a word from a list, a date or a switch can."""
        if any(value is not None for value in sent.parameter.examples):
            return True
        keywords = self._keywords(sent.parameter.schema)
        return (
            bool(keywords.get("examples"))
            or "enum" in keywords
            or keywords.get("types") == ("boolean",)
            or keywords.get("format") in {"date", "date-time"}
        )

    def _keywords(self, schema: Any) -> Mapping[str, Any]:
        try:
            return self._maker.merger.flat(schema).keywords
        except Unusable:
            return {}


def _is_supported(media_type: str) -> bool:
    kinds = (bodies.is_json, bodies.is_form, bodies.is_multipart, bodies.is_xml, bodies.is_text)
    return any(kind(media_type) for kind in kinds)


def files_of(maker: Maker, schema: Any) -> frozenset[str]:
    """The fields of a form that are files."""
    try:
        properties = mapping(maker.merger.flat(schema).keywords.get("properties"))
    except Unusable:
        return frozenset()
    return frozenset(name for name, node in properties.items() if _is_file(maker, node))


def _is_file(maker: Maker, node: Any) -> bool:
    try:
        keywords: Mapping[str, Any] = maker.merger.flat(node).keywords
        if "items" in keywords:
            keywords = maker.merger.flat(keywords["items"]).keywords
    except Unusable:
        return False
    return keywords.get("format") == "binary" or "contentMediaType" in keywords
