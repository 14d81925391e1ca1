"""The objects of one kind as last seen, by name and by what they belong to."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")
Raw = Mapping[str, Any]

_log = logging.getLogger(__name__)

_GRAVES: Final = 4096


class Change(NamedTuple):
    """Something came, changed or went. `owner`: what it belongs to first of all, in its namespace.

    `new`: it was not known before.
    """

    namespace: str
    name: str
    owner: str
    new: bool = False


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    version: int
    owners: tuple[str, ...]
    value: T


class Collection(Generic[T]):
    """Newer resource versions win, whatever the order in which they arrive.

    Watches, lists and the responses to our own writes all end here. Resource versions of one kind are ordered
    numbers (documented since Kubernetes 1.35, true of every etcd-backed API server before).
    `read` makes what is kept of a raw object; `owners` names what it belongs to, at least one.
    """

    def __init__(self, read: Callable[[Raw], T], owners: Callable[[Raw], tuple[str, ...]]) -> None:
        self._read = read
        self._owners = owners
        self._entries: defaultdict[str, dict[str, _Entry[T]]] = defaultdict(dict)
        self._owned: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._graves: dict[tuple[str, str], int] = {}

    def __iter__(self) -> Iterator[T]:
        return (entry.value for entries in list(self._entries.values()) for entry in list(entries.values()))

    def get(self, namespace: str, name: str) -> T | None:
        entry = self._entries.get(namespace, {}).get(name)
        return None if entry is None else entry.value

    def owned(self, namespace: str, owner: str) -> list[T]:
        """Everything that belongs to `owner`, by name."""
        names = sorted(self._owned.get((namespace, owner), ()))
        return [self._entries[namespace][name].value for name in names]

    def namespaces(self) -> list[str]:
        return list(self._entries)

    def within(self, namespace: str) -> list[T]:
        return [entry.value for entry in self._entries.get(namespace, {}).values()]

    def put(self, raw: Raw) -> Change | None:
        """Keep it; None: what we have is as new, it is known to be gone, or nobody can read it."""
        namespace, name, version = _identity(raw)
        known = self._entries[namespace].get(name)
        if version <= self._graves.get((namespace, name), 0):
            return None
        if known is not None and version <= known.version:
            return None
        try:
            entry = _Entry(version, self._owners(raw), self._read(raw))
        except (LookupError, TypeError, ValueError):  # one broken object must not stop the others
            _log.exception("%s %s/%s cannot be read and is ignored", raw.get("kind"), namespace, name)
            return None
        self._drop(namespace, name)
        self._entries[namespace][name] = entry
        for owner in entry.owners:
            self._owned[namespace, owner].add(name)
        return Change(namespace, name, entry.owners[0], new=known is None)

    def remove(self, raw: Raw) -> Change | None:
        """It was deleted; None: there is a newer one of that name, or none at all."""
        return self._bury(*_identity(raw))

    def replace(self, items: Sequence[Raw], version: str, namespace: str | None) -> list[Change]:
        """Everything there is as of `version`, in one namespace or (None) in all: the rest is gone."""
        listed = {(raw["metadata"]["namespace"], raw["metadata"]["name"]) for raw in items}
        namespaces = list(self._entries) if namespace is None else [namespace]
        missing = [
            (where, name)
            for where in namespaces
            for name in self._entries[where]
            if (where, name) not in listed
        ]
        changes = [self._bury(where, name, int(version)) for where, name in missing]
        changes += [self.put(raw) for raw in items]
        return [change for change in changes if change is not None]

    def _bury(self, namespace: str, name: str, version: int) -> Change | None:
        known = self._entries[namespace].get(name)
        if known is not None and known.version > version:
            return None
        self._graves.pop((namespace, name), None)  # so that the oldest grave is always the first
        if len(self._graves) >= _GRAVES:
            del self._graves[next(iter(self._graves))]
        self._graves[namespace, name] = version
        return self._drop(namespace, name)

    def _drop(self, namespace: str, name: str) -> Change | None:
        entry = self._entries[namespace].pop(name, None)
        if entry is None:
            return None
        for owner in entry.owners:
            names = self._owned[namespace, owner]
            names.discard(name)
            if not names:
                del self._owned[namespace, owner]
        return Change(namespace, name, entry.owners[0])


def _identity(raw: Raw) -> tuple[str, str, int]:
    metadata = raw["metadata"]
    return metadata["namespace"], metadata["name"], int(metadata["resourceVersion"])
