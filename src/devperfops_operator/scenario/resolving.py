"""Which operations can be played, and with whose ids: each asks for the operations that bring them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from devperfops_operator.scenario.dependencies import Dependencies, How, Source, types_of
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.material import Material
from devperfops_operator.scenario.model import Operation
from devperfops_operator.scenario.naming import collection_of, items, noun, squeezed
from devperfops_operator.scenario.safety import reason_against


@dataclass(frozen=True)
class Ids:
    """`sources` and `columns` by the name of the path's parameter; `missing` are had from nowhere.

    The values of the others are in the material.
    """

    sources: Mapping[str, Source]
    columns: Mapping[str, str]
    missing: Sequence[str]


class Resolver:
    """Asks each operation once; one that is being asked for cannot help itself."""

    def __init__(
        self,
        materials: Mapping[str, Material],
        dependencies: Dependencies,
        columns: Collection[str],
        included: Collection[str],
    ) -> None:
        self._materials = materials
        self._dependencies = dependencies
        self._columns = columns
        self._included = included
        self._known: dict[str, Ids | Unusable] = {}
        self._asked: set[str] = set()
        self._sources: dict[str, Source | None] = {}

    def resolve(self, operation: Operation) -> Ids:
        """Where its ids come from.

        Raises:
            Unusable: it is not safe, or an id is not to be had.
        """
        if operation.key not in self._known:
            self._known[operation.key] = Unusable("it needs itself to be played first")
            self._asked.add(operation.key)
            try:
                self._known[operation.key] = self._resolved(operation)
            except Unusable as trouble:
                self._known[operation.key] = trouble
            self._asked.discard(operation.key)
        found = self._known[operation.key]
        if isinstance(found, Unusable):
            raise found
        return found

    def thing(self, name: str) -> Source | None:
        """For a property such as `customerId` or `projectName`: who brings the thing, if anybody does."""
        for key in self._dependencies.thing_of(name):
            source = self._source(name, key, [])
            if source is not None and self._can_be_played(source.by):
                return source
        return None

    def ids(self, operation: Operation) -> Ids:
        """Where the ids in its path come from, whether it may be played or not."""
        material = self._materials[operation.key]
        schemas = {each.name: each.schema for each in operation.path_parameters}
        sources: dict[str, Source] = {}
        columns: dict[str, str] = {}
        missing: list[str] = []
        for name, key in items(operation.path):
            if name in material.given:
                continue
            column = next((each for each in (variable(key, name), name) if each in self._columns), None)
            source = None if column else self._for(operation, name, key, types_of(schemas[name]))
            if source is not None and source.how is How.NAMED and name in material.listed:
                source = None  # a namesake's value need not be in the list
            if column is not None:
                columns[name] = column
            elif source is not None:
                sources[name] = source
            elif name not in material.documented:
                missing.append(name)
        return Ids(sources, columns, missing)

    def _resolved(self, operation: Operation) -> Ids:
        ids = self.ids(operation)
        if ids.missing:
            raise Unusable(f"needs data: {', '.join(ids.missing)}")
        self._check(operation, ids.sources)
        return ids

    def _check(self, operation: Operation, sources: Mapping[str, Source]) -> None:
        ours = [name in sources and sources[name].ours for name, _ in items(operation.path)]
        if operation.key not in self._included:
            reason = reason_against(
                operation, ours=ours, is_collection=self._dependencies.is_collection(operation)
            )
            if reason is not None:
                raise Unusable(reason)

    def _for(self, operation: Operation, name: str, key: str, types: Sequence[str]) -> Source | None:
        source = self._source(name, key, types)
        own = source is not None and source.by.key == operation.key
        return source if source is not None and (own or self._can_be_played(source.by)) else None

    def _source(self, name: str, key: str, types: Sequence[str]) -> Source | None:
        """The first that can itself be played, the same for all who ask."""
        if key not in self._sources:
            self._sources[key] = None
            candidates = self._dependencies.candidates(name, key, types)
            self._sources[key] = next((each for each in candidates if self._brings(each)), None)
        return self._sources[key]

    def _brings(self, source: Source) -> bool:
        if source.how is not How.PUT:
            return self._can_be_played(source.by)
        self._sources[source.key] = source  # its own path names what it makes
        return source.by.key in self._asked or self._can_be_played(source.by)

    def _can_be_played(self, operation: Operation) -> bool:
        try:
            self.resolve(operation)
        except Unusable:
            return False
        return True


def variable(key: str, name: str) -> str:
    """What an id is called in a plan: `orderId`, or `order_id` where the path only says `id`."""
    thing = noun(collection_of(key))
    own = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name).strip("_")
    if thing and not squeezed(name).startswith(thing[:4]):
        return f"{thing}_{own}"
    return own or "id"
