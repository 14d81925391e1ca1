"""Puts values and ids together: one operation becomes one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from devperfops_operator.scenario import bodies, security, serialise
from devperfops_operator.scenario.dependencies import How, Source
from devperfops_operator.scenario.errors import DocumentError
from devperfops_operator.scenario.fresh import Freshener
from devperfops_operator.scenario.material import Material, files_of
from devperfops_operator.scenario.model import Body, Operation, Where
from devperfops_operator.scenario.naming import (
    GAP,
    collection_of,
    is_reference,
    items,
    noun,
    one_of,
    own_names,
    squeezed,
)
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.plan import Extract, Step
from devperfops_operator.scenario.resolving import Ids, variable
from devperfops_operator.scenario.survey import Survey
from devperfops_operator.scenario.template import Stored, Template, as_json, plain, written
from devperfops_operator.scenario.weighing import Weight
from devperfops_operator.scenario.xml import as_xml

_ANY_SUCCESS = "2XX"


class Requests:
    """Makes the steps of a plan in their order: an id is known once the step that brings it is made."""

    def __init__(self, survey: Survey, overlay: Overlay) -> None:
        self._maker = survey.maker
        self._offer = survey.offer
        self._overlay = overlay
        self._materials = survey.made
        self._resolver = survey.resolver
        self._fresh = Freshener(survey.maker.merger, survey.maker.checker)
        self._variables: dict[str, str] = {}
        self._ids: dict[str, Template] = {}
        self._needs: dict[str, frozenset[str]] = {}
        """Of each variable an answer brings: itself, and what the step that brings it needs."""

    def references(self, operation: Operation) -> Iterator[Source]:
        """Who brings the things that the operation's body and query speak of."""
        material = self._materials[operation.key]
        names = [*_named(material.body), *(each.parameter.name for each in material.parameters)]
        for name in dict.fromkeys(names):
            source = self._resolver.thing(one_of(name) or name)
            if source is not None and source.by.key != operation.key:
                yield source

    def step(
        self,
        operation: Operation,
        resolved: Ids,
        wanted: Sequence[Source],
        *,
        weight: Weight,
        cleans_up: bool,
    ) -> Step:
        """`wanted`: what later steps need of this one.

        Raises:
            DocumentError: the overlay lets it be played seldom, though others need it.
        """
        if wanted and self._overlay.weights.get(operation.key, 100) < 100:  # noqa: PLR2004
            raise DocumentError(
                f"weights: {operation.key}: others need the ids it brings; give them the weight instead"
            )
        material = self._materials[operation.key]
        notes: list[str] = []
        path = self._path(operation, material, resolved)
        body = self._body(operation, material, resolved, wanted, notes)
        carried = security.credentials(security.chosen(self._offer, operation))
        query = [*self._query(material, notes), *carried.query]
        headers = [*self._headers(operation, material, carried), *carried.headers]
        whole = plain(self._offer.base_path) + path + _query_text(query)
        reads = whole.needs.union(*(value.needs for _, value in headers), body.needs if body else ())
        needs = frozenset[str]().union(*(self._needs.get(name, ()) for name in reads))
        documented = _documented(operation)
        return Step(
            name=operation.key,
            method=operation.method,
            group=GAP.split(operation.path)[0].rstrip("/") or "/",
            path=whole,
            headers=headers,
            body=body,
            codes=_successes(documented),
            documented=documented,
            extracts=self._extracts(wanted, needs),
            needs=needs,
            origins=self._origins(operation, material, resolved),
            notes=notes,
            basic=carried.basic,
            think_ms=self._overlay.think_ms.get(operation.key, 0),
            weight=weight,
            cleans_up=cleans_up,
        )

    def _path(self, operation: Operation, material: Material, resolved: Ids) -> Template:
        sent = {
            each.parameter.name: each for each in material.parameters if each.parameter.where is Where.PATH
        }
        made = plain("")
        at = 0
        for gap in GAP.finditer(operation.path):
            name = gap[1]
            value = sent[name].value
            if name in resolved.columns:
                value = Template((Stored(resolved.columns[name]),))
            elif name in resolved.sources:
                value = self._id(operation, resolved.sources[name], name, sent[name].parameter.schema, value)
            made = made + _literal(operation.path[at : gap.start()])
            made = made + serialise.in_path(sent[name].parameter, value)
            at = gap.end()
        return made + _literal(operation.path[at:])

    def _id(self, operation: Operation, source: Source, name: str, schema: Any, value: Any) -> Template:
        if source.how is How.PUT and source.by.key == operation.key:
            leaf = self._fresh.leaf(schema, value, self._variable(source.key, name))
            text = written(leaf)
            self._ids[source.key] = text.kept
            return text
        return self._ids[source.key]

    def _body(
        self,
        operation: Operation,
        material: Material,
        resolved: Ids,
        wanted: Sequence[Source],
        notes: list[str],
    ) -> Template | None:
        body = operation.body
        if body is None:
            return None
        sent = [source for source in wanted if source.how is How.SENT]
        stores = {source.at: self._variable(source.key, source.name) for source in sent}
        value = self._keeping(operation, resolved, self._referring(material.body, notes))
        if operation.method == "POST":
            value = self._fresh.body(body.schema, value, stores)
        for source in sent:
            self._ids[source.key] = written(value[source.at]).kept
        return self._written(body, value)

    def _written(self, body: Body, value: Any) -> Template:
        if bodies.is_json(body.media_type):
            return as_json(value)
        if bodies.is_form(body.media_type):
            return serialise.form(value)
        if bodies.is_multipart(body.media_type):
            return serialise.multipart(value, files_of(self._maker, body.schema))
        if bodies.is_xml(body.media_type) and not isinstance(value, str | Template):
            return as_xml(self._maker.merger, body.schema, value)
        return as_json(value) if isinstance(value, dict | list) else written(value)

    def _referring(self, value: Any, notes: list[str]) -> Any:
        """With the ids of things that the plan knows, in place of made-up ones."""
        if isinstance(value, list):
            return [self._referring(each, notes) for each in value]
        if not isinstance(value, dict):
            return value
        return {name: self._property(name, inner, notes) for name, inner in value.items()}

    def _property(self, name: str, value: Any, notes: list[str]) -> Any:
        if isinstance(value, list) and one_of(name) and all(map(_is_word, value)):
            known = [self._reference(one_of(name), each, notes) for each in value]
            return known[:1] if known and isinstance(known[0], Template) else value
        return self._reference(name, value, notes) if _is_word(value) else self._referring(value, notes)

    def _reference(self, name: str, value: Any, notes: list[str]) -> Any:
        source = self._resolver.thing(name)
        if source is not None and source.key in self._ids:
            return Template(self._ids[source.key].parts, bare=isinstance(value, int))
        if is_reference(name):
            notes.append(f"{name} is made up")
        return value

    def _keeping(self, operation: Operation, resolved: Ids, value: Any) -> Any:
        """What is changed keeps the name that later steps know it by."""
        gaps = list(items(operation.path))
        source = resolved.sources.get(gaps[-1][0]) if gaps else None
        known = self._ids.get(source.key) if source is not None else None
        if operation.method not in {"PUT", "PATCH"} or known is None or not isinstance(value, dict):
            return value
        own = own_names(gaps[-1][0], noun(collection_of(source.key))) if source is not None else ()
        return {
            name: Template(known.parts, bare=isinstance(inner, int))
            if squeezed(name) in own and _is_word(inner)
            else inner
            for name, inner in value.items()
        }

    def _query(self, material: Material, notes: list[str]) -> Iterator[tuple[str, Template]]:
        for each in material.parameters:
            if each.parameter.where is Where.QUERY:
                value = each.value
                if _is_word(value) and each.parameter.name not in material.given:
                    value = self._reference(each.parameter.name, value, notes)
                yield from serialise.in_query(each.parameter, value)

    def _headers(
        self, operation: Operation, material: Material, carried: security.Credentials
    ) -> Iterator[tuple[str, Template]]:
        if operation.body is not None:
            media_type = operation.body.media_type
            if bodies.is_multipart(media_type):
                media_type = f"{media_type.partition(';')[0]}; boundary={serialise.BOUNDARY}"
            yield "Content-Type", serialise.in_header(media_type)
        for each in material.parameters:
            if each.parameter.where is Where.HEADER:
                yield each.parameter.name, serialise.in_header(each.value)
        cookies = [
            (each.parameter.name, serialise.in_header(each.value))
            for each in material.parameters
            if each.parameter.where is Where.COOKIE
        ] + list(carried.cookies)
        if cookies:
            text = plain("")
            for at, (name, value) in enumerate(cookies):
                text = text + plain(f"{'; ' if at else ''}{name}=") + value
            yield "Cookie", text

    def _extracts(self, wanted: Sequence[Source], needs: frozenset[str]) -> list[Extract]:
        made = []
        for source in wanted:
            if source.how in {How.SENT, How.PUT}:
                continue
            name = self._variable(source.key, source.name)
            at, any_of = source.at, "[*]" in source.at
            if any_of and source.how is How.CREATED:
                at, any_of = at.replace("[*]", "[0]"), False
            made.append(Extract(name, at, any_of))
            self._needs[name] = needs | {name}
            self._ids[source.key] = Template((Stored(name),))
        return made

    def _variable(self, key: str, name: str) -> str:
        if key not in self._variables:
            wanted = variable(key, name)
            taken = set(self._variables.values())
            names = (wanted, *(f"{wanted}_{count}" for count in range(2, len(taken) + 3)))
            self._variables[key] = next(each for each in names if each not in taken)
        return self._variables[key]

    def _origins(self, operation: Operation, material: Material, resolved: Ids) -> dict[str, str]:
        told = {}
        for name, _ in items(operation.path):
            if name in material.given:
                told[name] = "overlay"
            elif name in resolved.columns:
                told[name] = f"data: column {resolved.columns[name]}"
            elif name not in resolved.sources:
                told[name] = "the document's value"
            elif resolved.sources[name].by.key == operation.key:
                told[name] = "a new name"
            else:
                source = resolved.sources[name]
                place = f", {source.at}" if source.at else ""
                told[name] = f"{source.by.key} ({source.how}{place})"
        return told


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _literal(text: str) -> Template:
    """Of a path template: slashes stay."""
    pieces = [plain(piece).in_url.parts[0] for piece in text.split("/")]
    return Template(("/".join(map(str, pieces)),))


def _query_text(query: Sequence[tuple[str, Template]]) -> Template:
    made = plain("")
    for at, (name, value) in enumerate(query):
        made = made + plain(f"{'&' if at else '?'}{name}=") + value
    return made


def _documented(operation: Operation) -> list[str]:
    return [each.code.upper() for each in operation.successes if each.code != "default"]


def _successes(documented: Sequence[str]) -> list[str]:
    """Any 2xx: servers that say 201 where 200 is documented are many, and have done what they were asked.

    Of operations that only send elsewhere, what is documented.
    """
    elsewhere = [code for code in documented if code.startswith("3")]
    return elsewhere if elsewhere and len(elsewhere) == len(documented) else [_ANY_SUCCESS, *elsewhere]
