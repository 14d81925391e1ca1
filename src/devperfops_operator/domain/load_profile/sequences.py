"""What access logs add to a profile: who goes where, after how long; and how many users that makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.analysis.sessions.chain import Chain
from devperfops_operator.analysis.sessions.chain import Next as Followed
from devperfops_operator.api.load_profile import After, LoadProfileSpec, Next, Sessions, Start

_RARE: Final = 0.01  # of what follows an endpoint


def sessions_of(chain: Chain, *, lines: int, unread: int) -> Sessions:
    """The document's part, the most frequent first; steps of less than 1 % are left out."""
    return Sessions(
        first=datetime.fromtimestamp(chain.first, UTC),
        last=datetime.fromtimestamp(chain.last, UTC),
        lines=lines,
        unread=unread,
        outside=chain.outside,
        sessions=chain.sessions,
        requests=_figure(chain.requests / chain.sessions),
        seconds=_figure(chain.seconds),
        starts=tuple(
            Start(endpoint=name, share=_figure(count / chain.sessions))
            for name, count in sorted(chain.starts.items(), key=lambda each: (-each[1], each[0]))
        ),
        after=tuple(_after(chain)),
    )


def users_at_once(spec: LoadProfileSpec) -> float | None:
    """At the busiest hour, by Little's law for sessions. None: no access log was read."""
    sessions = spec.sessions
    return None if sessions is None else spec.peak.rate / sessions.requests * sessions.seconds


def thinking(sessions: Sessions) -> Mapping[str, float]:
    """Milliseconds before each endpoint that follows another: the mean of the medians, by how often."""
    steps: dict[str, list[Next]] = {}
    for after in sessions.after:
        for each in after.next:
            steps.setdefault(each.endpoint, []).append(each)
    return {
        name: sum(each.count * each.think_ms for each in found) / sum(each.count for each in found)
        for name, found in steps.items()
    }


def mean_think_s(spec: LoadProfileSpec) -> float:
    """Before a request of the busiest hour, on the average; 0: no access log was read."""
    if spec.sessions is None:
        return 0.0
    shares = {each.name: each.peak.share for each in spec.endpoints}
    return sum(shares.get(name, 0.0) * ms for name, ms in thinking(spec.sessions).items()) / 1_000


def _after(chain: Chain) -> Iterator[After]:
    counts = {
        name: chain.ends.get(name, 0) + sum(each.count for each in chain.steps.get(name, {}).values())
        for name in chain.ends.keys() | chain.steps.keys()
    }
    for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        following = chain.steps.get(name, {})
        yield After(
            endpoint=name,
            count=count,
            ends=_figure(chain.ends.get(name, 0) / count),
            next=tuple(_next(following, count)),
        )


def _next(following: Mapping[str, Followed], count: int) -> Iterator[Next]:
    for name, each in sorted(following.items(), key=lambda pair: (-pair[1].count, pair[0])):
        if each.count >= _RARE * count:
            yield Next(
                endpoint=name,
                share=_figure(each.count / count),
                count=each.count,
                think_ms=_figure(each.think_s * 1_000),
            )


def _figure(value: float) -> float:
    return float(f"{value:.4g}")
