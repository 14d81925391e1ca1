"""From requests to sessions, and from these to a Markov chain: what follows what, and after how long.

A session is what one address with one agent and user asks without a pause of more than half an hour. Who
shares an address and an agent shares a session, so chains of many users behind one address are mixed.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from devperfops_operator.analysis.sessions.lines import Hit

IDLE_S: Final = 1_800.0
"""A pause that ends a session."""

NameOf = Callable[[str, str], str | None]
"""The endpoint of a method and a path; None: it is none."""


@dataclass(frozen=True, slots=True)
class Next:
    """How often it came next, and the median of the seconds from one answer to the next request."""

    count: int
    think_s: float


@dataclass(frozen=True, slots=True)
class Chain:
    """`starts`, `ends`: sessions by their first and last endpoint; `steps`: by endpoint what came next.

    `outside`: requests of no endpoint, such as pictures, which are passed over. `seconds`: of a session, from
    its first request to its last answer, on the average.
    """

    sessions: int
    requests: int
    outside: int
    seconds: float
    first: float
    last: float
    starts: Mapping[str, int]
    ends: Mapping[str, int]
    steps: Mapping[str, Mapping[str, Next]]


@dataclass(slots=True)
class _Open:
    """A session that goes on: its latest request, and when its answer came."""

    name: str
    began: float
    answered: float


@dataclass(slots=True)
class _Count:
    starts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    ends: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    thought: defaultdict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0

    def end(self, session: _Open) -> None:
        self.ends[session.name] += 1
        self.seconds += session.answered - session.began


def chain(hits: Iterable[Hit], name_of: NameOf) -> Chain | None:
    """Of all hits, in whatever order. None: none is of an endpoint."""
    named = [(each, name_of(each.method, each.path)) for each in sorted(hits, key=lambda each: each.at)]
    ours = [(each, name) for each, name in named if name is not None]
    if not ours:
        return None
    count, going = _Count(), dict[str, _Open]()
    for each, name in ours:
        session = going.get(each.who)
        answered = each.at + each.took
        if session is not None and each.at - session.answered <= IDLE_S:
            count.thought[session.name, name].append(max(0.0, each.at - session.answered))
            session.name, session.answered = name, max(session.answered, answered)
            continue
        if session is not None:
            count.end(session)
        count.starts[name] += 1
        going[each.who] = _Open(name, each.at, answered)
    for session in going.values():
        count.end(session)
    sessions = sum(count.starts.values())
    return Chain(
        sessions=sessions,
        requests=len(ours),
        outside=len(named) - len(ours),
        seconds=count.seconds / sessions,
        first=ours[0][0].at,
        last=ours[-1][0].at,
        starts=dict(count.starts),
        ends=dict(count.ends),
        steps=_steps(count.thought),
    )


def _steps(thought: Mapping[tuple[str, str], list[float]]) -> Mapping[str, Mapping[str, Next]]:
    steps: defaultdict[str, dict[str, Next]] = defaultdict(dict)
    for (name, following), seconds in thought.items():
        steps[name][following] = Next(len(seconds), statistics.median(seconds))
    return dict(steps)
