"""From an offer to a plan: create, look, change, act, and at the end remove what was created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from devperfops_operator.scenario import security
from devperfops_operator.scenario.dependencies import Dependencies, Source
from devperfops_operator.scenario.document import Document
from devperfops_operator.scenario.errors import Unusable
from devperfops_operator.scenario.model import Kind, Offer, Operation, Scheme, Skipped
from devperfops_operator.scenario.naming import collection_of, items, template_key
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.plan import Plan, Step
from devperfops_operator.scenario.requests import Requests
from devperfops_operator.scenario.resolving import Ids
from devperfops_operator.scenario.survey import Survey
from devperfops_operator.scenario.weighing import Weight, Wishes, needed, weigh

_UNASKED: Final = "nobody calls it: the load profile has no such endpoint"


def plan(
    document: Document,
    overlay: Overlay | None = None,
    *,
    columns: Collection[str] = (),
    seed: int = 1,
    rates: Mapping[str, float] | None = None,
) -> Plan:
    """The same for the same arguments. `columns`: of the data file.

    `rates`: of the operations that production calls; each is played in proportion, the others are left out
    unless these need them. Without it: all are, in each iteration.

    Raises:
        DocumentError: the overlay speaks of operations that the document does not have.
    """
    overlay = overlay or Overlay()
    survey = Survey.of(document, overlay, columns=columns, seed=seed)
    playable: dict[str, tuple[Operation, Ids]] = {}
    skipped = list(survey.unfit)
    for operation in survey.fit:
        try:
            playable[operation.key] = operation, survey.resolver.resolve(operation)
        except Unusable as trouble:
            skipped.append(Skipped(operation.key, str(trouble)))
    chain = _Chain(playable, survey.dependencies, Requests(survey, overlay))
    wishes = chain.wishes(overlay, rates)
    unasked = chain.leave_out(wishes.plays)
    return chain.plan(survey.offer, [*skipped, *(Skipped(key, _UNASKED) for key in unasked)], wishes)


@dataclass
class _Chain:
    """Puts the playable operations in order."""

    playable: dict[str, tuple[Operation, Ids]]
    dependencies: Dependencies
    requests: Requests
    order: dict[str, Operation] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    """Those that were begun: two bodies may refer to each other."""

    def wishes(self, overlay: Overlay, rates: Mapping[str, float] | None) -> Wishes:
        """Plays for each iteration. What an overlay says goes before the rates.

        What the plan made it removes, whatever production's rate of that is.
        """
        said = {key: percent / 100 for key, percent in overlay.weights.items() if key in self.playable}
        if rates is None:
            return Wishes(dict.fromkeys(self.playable, 1.0) | said)
        removals = {each.key for each in self._removals() if self._requires(each)}
        called = {key: rate for key, rate in rates.items() if key in self.playable and key not in removals}
        if not called:
            return Wishes(said)
        busiest = max(called.values())
        return Wishes({key: rate / busiest for key, rate in called.items()} | said, pace=busiest)

    def leave_out(self, wishes: Mapping[str, float]) -> Sequence[str]:
        """Forget what nobody wishes or needs; gives what was forgotten."""
        requires = {key: self._requires(each) for key, (each, _) in self.playable.items()}
        kept = needed(wishes, requires)
        kept |= {
            each.key
            for each in self._removals()
            if requires[each.key] and kept.issuperset(requires[each.key])
        }
        forgotten = [key for key in self.playable if key not in kept]
        for key in forgotten:
            del self.playable[key]
        return forgotten

    def plan(self, offer: Offer, skipped: Sequence[Skipped], wishes: Wishes) -> Plan:
        for operation in sorted(self._others(), key=self._rank(offer)):
            self._put(operation)
        places = {key: place for place, key in enumerate(self.order)}
        removals = sorted(self._removals(), key=partial(self._made_at, places), reverse=True)
        wanted = self._wanted([*self.order.values(), *removals])
        weights = self._weights(removals, wishes.plays)
        steps = [self._step(each, wanted, weights) for each in self.order.values()]
        steps += [self._step(each, wanted, weights, cleans_up=True) for each in removals]
        used = _schemes(offer, [each for each, _ in self.playable.values()])
        return Plan(
            title=offer.title,
            steps=steps,
            skipped=sorted(skipped, key=lambda each: each.key),
            tokens=[each for each in used if each.kind is Kind.CLIENT_CREDENTIALS],
            secrets=[name for each in used for name in security.secrets(each)],
            columns=sorted({name for _, each in self.playable.values() for name in each.columns.values()}),
            pace=wishes.pace,
        )

    def _others(self) -> Iterator[Operation]:
        return (each for each, _ in self.playable.values() if each.method != "DELETE")

    def _removals(self) -> Iterator[Operation]:
        return (each for each, _ in self.playable.values() if each.method == "DELETE")

    def _rank(self, offer: Offer) -> Callable[[Operation], tuple[int, int, int]]:
        groups: dict[str, int] = {}
        for operation in offer.operations:
            groups.setdefault(_resource(operation), len(groups))
        kinds = {"GET": 1, "HEAD": 1, "OPTIONS": 1, "PUT": 2, "PATCH": 2}

        def rank(operation: Operation) -> tuple[int, int, int]:
            creates = operation.method == "POST" and self.dependencies.is_collection(operation)
            kind = 0 if creates else kinds.get(operation.method, 3)
            return groups[_resource(operation)], kind, operation.path.count("/")

        return rank

    def _put(self, operation: Operation) -> None:
        """After all that bring its ids."""
        if operation.key in self.waiting or operation.key in self.order:
            return
        self.waiting.add(operation.key)
        for source in self._in_path(operation):
            self._put(source.by)
        for source in self.requests.references(operation):
            if not self._waits_for(source.by):
                self._put(source.by)
        self.order[operation.key] = operation

    def _in_path(self, operation: Operation) -> Iterator[Source]:
        sources = self.playable[operation.key][1].sources.values()
        return (source for source in sources if source.by.key != operation.key)

    def _waits_for(self, operation: Operation) -> bool:
        """Whether it comes after one of those whose ids are being brought."""
        if operation.key in self.order:
            return False
        return operation.key in self.waiting or any(
            self._waits_for(source.by) for source in self._in_path(operation)
        )

    def _requires(self, operation: Operation) -> set[str]:
        """Those that bring its ids."""
        sources = (*self._in_path(operation), *self.requests.references(operation))
        return {source.by.key for source in sources}

    def _weights(self, removals: Sequence[Operation], wishes: Mapping[str, float]) -> Mapping[str, Weight]:
        order = list(self.order)
        earlier: dict[str, set[str]] = {}
        for operation in self.order.values():
            earlier[operation.key] = self._requires(operation) & earlier.keys()
        removes = {each.key: self._requires(each) & earlier.keys() for each in removals}
        return weigh(order, earlier, wishes, removes)

    def _made_at(self, places: Mapping[str, int], operation: Operation) -> tuple[int, int]:
        """What was made last is removed first; of one thing the deeper parts before the whole."""
        sources = self.playable[operation.key][1].sources.values()
        made = max((places.get(each.by.key, 0) for each in sources), default=0)
        return made, operation.path.count("/")

    def _wanted(self, operations: Sequence[Operation]) -> Mapping[str, Mapping[str, Source]]:
        """What each operation's answer must be asked for, by the thing's key."""
        wanted: dict[str, dict[str, Source]] = defaultdict(dict)
        for operation in operations:
            own = self.playable[operation.key][1].sources.values()
            for source in (*own, *self.requests.references(operation)):
                wanted[source.by.key][source.key] = source
        return wanted

    def _step(
        self,
        operation: Operation,
        wanted: Mapping[str, Mapping[str, Source]],
        weights: Mapping[str, Weight],
        *,
        cleans_up: bool = False,
    ) -> Step:
        sources = list(wanted.get(operation.key, {}).values())
        return self.requests.step(
            operation,
            self.playable[operation.key][1],
            sources,
            weight=weights[operation.key],
            cleans_up=cleans_up,
        )


def _resource(operation: Operation) -> str:
    """The collection an operation belongs to: the path up to its first gap, or all of it."""
    keys = [key for _, key in items(operation.path)]
    return collection_of(keys[0]) if keys else template_key(operation.path)


def _schemes(offer: Offer, operations: Sequence[Operation]) -> list[Scheme]:
    """All that are used, each once."""
    used = {scheme.key: scheme for each in operations for scheme in security.chosen(offer, each)}
    return list(used.values())
