"""Which of a namespace's pods give way to others, from its workloads and the cluster's PriorityClasses.

priorityclass  `value` of each class, by its name; a pod that names one that is not there is refused
priority       what the pods of a workload have: of the class they name, or of the cluster's default

Both also tell whether they preempt (`rule: preemption`, 1 or 0): with `preemptionPolicy: Never` they wait.
Values are places in an order (kubernetes/kubernetes, pkg/apis/scheduling/types.go): 0 is where pods without
a class are, and less is below them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from devperfops_operator.domain.quota.entry import UNKNOWN, Entry, Limit
from devperfops_operator.domain.quota.namespace import COUNT, PRIORITY, PRIORITY_CLASS, Place

Raw = Mapping[str, Any]

_SYSTEM: Final = "system-"
"""What the names of Kubernetes' own classes begin with, and no other's may."""
_PREEMPTION: Final = (("rule", "preemption"),)


@dataclass(frozen=True, slots=True)
class _Rank:
    """A place in the order, and whether whoever has it preempts (1) or waits (0)."""

    value: Limit
    preempts: Limit


_UNCLASSED: Final = _Rank(Fraction(0), Fraction(1))
_NOWHERE: Final = _Rank(UNKNOWN, UNKNOWN)


def class_entries(classes: Iterable[Raw], place: Place) -> list[Entry]:
    """Of all classes but Kubernetes' own, which are the same everywhere."""
    return [
        entry
        for each in classes
        for name in [each["metadata"]["name"]]
        if not name.startswith(_SYSTEM)
        for entry in _entries(
            PRIORITY_CLASS,
            name,
            _rank(each),
            place,
            source=f"PriorityClass {name} of {place.context}",
            raised_by=f"delete PriorityClass {name} of {place.context} and create it anew with {{limit}}: "
            "it cannot be changed",
        )
    ]


def workload_entries(workloads: Iterable[Raw], classes: Sequence[Raw], place: Place) -> list[Entry]:
    """Of Deployments and StatefulSets, as the pods that come next will have it."""
    ranks = {each["metadata"]["name"]: _rank(each) for each in classes}
    default = _default(classes)
    return [entry for each in workloads for entry in _of_workload(each, ranks, default, place)]


def _of_workload(workload: Raw, ranks: Mapping[str, _Rank], default: _Rank, place: Place) -> Iterator[Entry]:
    name = f"{workload['kind']}/{workload['metadata']['name']}"
    named = workload["spec"]["template"]["spec"].get("priorityClassName")
    rank = ranks.get(named, _NOWHERE) if named else default
    gone = f", whose PriorityClass {named} is not there," if rank is _NOWHERE else ""
    yield from _entries(
        PRIORITY,
        name,
        rank,
        place,
        source=f"{name}{gone} of {place.context}/{place.namespace}",
        raised_by=f"have {name} of {place.context}/{place.namespace} name a PriorityClass "
        "with {limit} or more (priorityClassName of its pods)",
    )


def _entries(
    service: str, metric: str, rank: _Rank, place: Place, *, source: str, raised_by: str
) -> list[Entry]:
    more: dict[str, Any] = {"source": source, "ordinal": True}
    waits = f"let {metric} preempt in {place.context} by another class: preemptionPolicy cannot be changed"
    return [
        place.entry(service, metric, COUNT, rank.value, raised_by=raised_by, **more),
        place.entry(service, metric, COUNT, rank.preempts, dimensions=_PREEMPTION, raised_by=waits, **more),
    ]


def _rank(priority_class: Raw) -> _Rank:
    never = priority_class.get("preemptionPolicy") == "Never"
    return _Rank(Fraction(priority_class["value"]), Fraction(not never))


def _default(classes: Sequence[Raw]) -> _Rank:
    """Of pods that name no class. Of several defaults the lowest counts, as in Kubernetes' admission."""
    defaults = [_rank(each) for each in classes if each.get("globalDefault")]
    return min(defaults, key=lambda rank: (rank.value, rank.preempts), default=_UNCLASSED)
