"""What people add to a document by hand: a small file that survives when the plan is made again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from devperfops_operator.scenario.errors import DocumentError

_KEYS: Final = ("exclude", "include", "weights", "thinkTime", "values")
_THINK: Final = re.compile(r"(\d{1,6})(ms|s)")
_LONGEST_THINK_MS: Final = 600_000


@dataclass(frozen=True)
class Overlay:
    """Operations by their key (`GET /orders/{orderId}`); `*` in `values`: of all operations."""

    exclude: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    weights: Mapping[str, int] = field(default_factory=dict)
    think_ms: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def value(self, key: str, name: str) -> Any:
        """What the operation is to send as `name`; None: nothing is said."""
        return self.values.get(key, {}).get(name, self.values.get("*", {}).get(name))

    @property
    def named(self) -> frozenset[str]:
        """All operations it speaks of."""
        spoken = {*self.exclude, *self.include, *self.weights, *self.think_ms, *self.values}
        return frozenset(spoken - {"*"})


def read_overlay(data: Any) -> Overlay:
    """Take parsed YAML.

    Raises:
        DocumentError: a field is not known, or has a value it cannot have.
    """
    if data is None:
        return Overlay()
    if not isinstance(data, Mapping):
        raise DocumentError(f"must have the fields {', '.join(_KEYS)}")
    for name in data:
        if name not in _KEYS:
            raise DocumentError(f"has a field {name}, which is not known: write {', '.join(_KEYS)}")
    return Overlay(
        exclude=frozenset(_operations(data, "exclude")),
        include=frozenset(_operations(data, "include")),
        weights={key: _percent(key, value) for key, value in _mapping(data, "weights").items()},
        think_ms={key: _milliseconds(key, value) for key, value in _mapping(data, "thinkTime").items()},
        values={key: _values(key, value) for key, value in _mapping(data, "values").items()},
    )


def _operations(data: Mapping[str, Any], name: str) -> Sequence[str]:
    listed = data.get(name) or []
    if not (isinstance(listed, list) and all(isinstance(each, str) for each in listed)):
        raise DocumentError(f"{name} must list operations, such as - GET /orders/{{orderId}}")
    return listed


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name) or {}
    if not isinstance(found, Mapping):
        raise DocumentError(
            f"{name} must have operations as its fields, such as GET /orders/{{orderId}}: ..."
        )
    return {str(key): value for key, value in found.items()}


def _percent(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:  # noqa: PLR2004
        raise DocumentError(
            f"weights: {key}: {value} must be 1 to 100, the percent of iterations; else exclude it"
        )
    return value


def _milliseconds(key: str, value: Any) -> int:
    found = _THINK.fullmatch(str(value))
    milliseconds = int(found[1]) * (1 if found[2] == "ms" else 1000) if found else -1
    if not 0 <= milliseconds <= _LONGEST_THINK_MS:
        raise DocumentError(f"thinkTime: {key}: {value} must be a time up to 600s, such as 500ms or 2s")
    return milliseconds


def _values(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DocumentError(f"values: {key} must have names and values, such as customerId: 42")
    return {str(name): each for name, each in value.items()}
