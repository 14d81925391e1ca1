from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.base import ObjectMeta
from devperfops_operator.api.perfrun import PerfRun, PerfRunSpec, PerfRunStatus, Phase
from devperfops_operator.domain.queueing import blocked_by

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def run(name: str, *, age_s: int = 0, phase: Phase = Phase.PENDING) -> PerfRun:
    metadata = ObjectMeta(
        name=name, namespace="shop", uid=name, creation_timestamp=NOON - timedelta(seconds=age_s)
    )
    return PerfRun(metadata=metadata, spec=PerfRunSpec(gate="gate"), status=PerfRunStatus(phase=phase))


def test_a_run_alone_may_begin() -> None:
    only = run("a")

    assert blocked_by(only, [only]) is None


def test_the_oldest_goes_first() -> None:
    older, newer = run("b", age_s=5), run("a", age_s=1)

    assert blocked_by(newer, [older, newer]) == "b"
    assert blocked_by(older, [older, newer]) is None


def test_of_the_same_second_the_name_decides() -> None:
    assert blocked_by(run("b"), [run("a"), run("b")]) == "a"
    assert blocked_by(run("a"), [run("a"), run("b")]) is None


def test_a_run_that_has_begun_goes_before_an_older_one() -> None:
    begun = run("new", phase=Phase.AWAITING_ROLLOUT)

    assert blocked_by(run("old", age_s=60), [begun]) == "new"


def test_what_has_ended_blocks_nothing() -> None:
    ended = [run(phase.value.lower(), age_s=60, phase=phase) for phase in Phase if phase.terminal]

    assert blocked_by(run("a"), ended) is None


def test_a_run_that_has_begun_is_never_blocked() -> None:
    assert blocked_by(run("b", phase=Phase.RUNNING), [run("a", age_s=60, phase=Phase.RUNNING)]) is None


_RUNS = st.lists(
    st.builds(run, st.sampled_from("abcdef"), age_s=st.integers(0, 3), phase=st.sampled_from(Phase)),
    min_size=1,
    unique_by=lambda each: each.metadata.name,
)


@given(_RUNS)
def test_exactly_one_of_those_that_wait_may_begin_when_none_has_begun(runs: list[PerfRun]) -> None:
    waiting = [each for each in runs if each.status.phase is Phase.PENDING]
    busy = any(each.status.phase is not Phase.PENDING and not each.status.phase.terminal for each in runs)

    free = [each for each in waiting if blocked_by(each, runs) is None]

    assert len(free) == (0 if busy or not waiting else 1)
