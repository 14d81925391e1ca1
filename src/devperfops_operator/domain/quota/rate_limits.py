"""Envoy's and Istio's rate limits from the texts of their configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import yaml

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import Entry, Fault, Reading
from devperfops_operator.domain.quota.local_limits import LOCAL, Place, local_entries
from devperfops_operator.domain.quota.shared_limits import SHARED, is_shared, shared_entries

_OTHER_FORM: Final = (AttributeError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class Told:
    """Documents of one source, named for people. `complete`: it tells all local limits there are."""

    source: str
    documents: Sequence[Any]
    complete: bool = False


def documents(source: str, text: str) -> Told:
    """Of a text in YAML or JSON. Raises InvalidSpec."""
    try:
        return Told(source, [each for each in yaml.safe_load_all(text) if each is not None])
    except (yaml.YAMLError, RecursionError) as error:
        where = getattr(getattr(error, "problem_mark", None), "line", None)
        line = "" if where is None else f" in line {where + 1}"
        raise InvalidSpec(source, f"cannot be read as YAML{line}") from error


def rate_limits(name: str, told: Iterable[Told], services: Collection[str] | None, now: datetime) -> Reading:
    """The environment of that name. A source that tells no limits is a fault: it may be the wrong one.

    What a service does not list is not limited, if its configuration was read.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    known: set[str] = set()
    for each in told:
        place = Place(each.source, now)
        try:
            found = [entry for document in each.documents for entry in _entries(document, place)]
        except InvalidSpec as error:
            faults.append(Fault("", f"{each.source}: {error}", "correct it there"))
            continue
        except _OTHER_FORM as error:
            cause = (
                f"{each.source} has not the form of Envoy's configuration ({type(error).__name__}: {error})"
            )
            faults.append(Fault("", cause, "correct it there"))
            continue
        known |= {entry.service for entry in found} | ({LOCAL} if each.complete else set())
        known |= {SHARED for document in each.documents if is_shared(document)}
        if not found and not each.complete:
            remedy = "name the file or ConfigMap that has them"
            faults.append(Fault("", f"{each.source} has no rate limits", remedy))
        entries += found
    return Reading(name, _wanted(entries, services), faults, frozenset(known))


def _entries(document: Any, place: Place) -> list[Entry]:
    return shared_entries(document, place) if is_shared(document) else local_entries(document, place)


def _wanted(entries: Iterable[Entry], services: Collection[str] | None) -> list[Entry]:
    return [each for each in entries if services is None or each.service in services]
