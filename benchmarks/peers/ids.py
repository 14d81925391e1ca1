"""Whether the things that a request speaks of can be there: an id out of nowhere is answered with 404."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.peers.pointers import resolved
from benchmarks.peers.request import FROM_AN_ANSWER
from benchmarks.peers.routes import Asked

_LISTS: Final = ("enum", "examples")
_SINGLE: Final = ("example", "default", "const")
_NO_IDS: Final = frozenset({"date", "date-time"})


class Ids:
    """Of all that one tool asks for of one document."""

    def __init__(self, root: Mapping[str, Any], found: Sequence[Asked]) -> None:
        self._root = root
        self._posts = {
            each.operation.path.rstrip("/"): each.request.body or "" for each in found if _is(each, "POST")
        }
        self._puts = {each.operation.path: each.gaps for each in found if _is(each, "PUT")}

    def are_known(self, one: Asked) -> bool:
        """Each is from an earlier answer, from the document, or the name under which the tool made it."""
        return all(self._is_known(one, name, value) for name, value in one.gaps.items())

    def _is_known(self, one: Asked, name: str, value: str) -> bool:
        before, _, _ = one.operation.path.partition(f"{{{name}}}")
        put = self._puts.get(f"{before}{{{name}}}", {})
        return (
            FROM_AN_ANSWER in value
            or self._is_documented(one, name, value)
            or put.get(name) == value
            or f'"{value}"' in self._posts.get(before.rstrip("/"), "")
        )

    def _is_documented(self, one: Asked, name: str, value: str) -> bool:
        parameter = next((each for each in one.operation.path_parameters if each.name == name), None)
        if parameter is None:
            return False
        schema = resolved(self._root, parameter.schema)
        if schema.get("type") == "boolean" or schema.get("format") in _NO_IDS:
            return True
        listed = [each for word in _LISTS if isinstance(schema.get(word), list) for each in schema[word]]
        single = [schema[word] for word in _SINGLE if word in schema]
        return value in {str(each) for each in (*parameter.examples, *listed, *single)}


def _is(one: Asked, method: str) -> bool:
    return one.operation.method == method
