"""One load at a time in a namespace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.base import ObjectMeta
from devperfops_operator.api.perfrun import PerfRun, PerfRunSpec, PerfRunStatus, Phase, TimelineEntry
from devperfops_operator.domain.queueing import Lane, blocked_by, lane, next_up
from devperfops_operator.domain.run.steps import Step
from tests.unit.domain.world import gate

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUEUED = TimelineEntry(at=NOON, phase=Phase.AWAITING_ROLLOUT, reason=Step.QUEUED.value, message="waits")


def run(name: str, *, age_s: int = 0, phase: Phase = Phase.AWAITING_ROLLOUT, queued: bool = False) -> PerfRun:
    metadata = ObjectMeta(
        name=name, namespace="shop", uid=name, creation_timestamp=NOON - timedelta(seconds=age_s)
    )
    status = PerfRunStatus(phase=phase, timeline=(QUEUED,) if queued else ())
    return PerfRun(metadata=metadata, spec=PerfRunSpec(gate="gate"), status=status)


def test_a_run_alone_may_load() -> None:
    only = run("a")

    assert blocked_by(only, [only]) is None


def test_of_those_that_queue_the_oldest_goes_first() -> None:
    older, newer = run("b", age_s=5, queued=True), run("a", age_s=1, queued=True)

    assert blocked_by(newer, [older, newer]) == "b"
    assert blocked_by(older, [older, newer]) is None


def test_of_the_same_second_the_name_decides() -> None:
    first, second = run("a", queued=True), run("b", queued=True)

    assert blocked_by(second, [first, second]) == "a"
    assert blocked_by(first, [first, second]) is None


def test_a_load_that_has_begun_goes_before_an_older_run() -> None:
    loading = run("new", phase=Phase.PREPARING)

    assert blocked_by(run("old", age_s=60, queued=True), [loading]) == "new"


def test_a_run_that_awaits_its_rollout_keeps_nobody_waiting() -> None:
    assert blocked_by(run("a"), [run("b", age_s=60), run("c", age_s=60, phase=Phase.PENDING)]) is None


def test_what_has_ended_blocks_nothing() -> None:
    ended = [
        run(phase.value.lower(), age_s=60, phase=phase, queued=True) for phase in Phase if phase.terminal
    ]

    assert blocked_by(run("a"), ended) is None


def test_a_load_that_has_begun_is_never_blocked() -> None:
    assert blocked_by(run("b", phase=Phase.RUNNING), [run("a", age_s=60, phase=Phase.RUNNING)]) is None


_RUNS = st.lists(
    st.builds(
        run,
        st.sampled_from("abcdef"),
        age_s=st.integers(0, 3),
        phase=st.sampled_from(Phase),
        queued=st.booleans(),
    ),
    min_size=1,
    unique_by=lambda each: each.metadata.name,
)


@given(_RUNS)
def test_of_those_that_queue_exactly_one_may_load_when_no_load_has_begun(runs: list[PerfRun]) -> None:
    waiting = {Phase.PENDING, Phase.AWAITING_ROLLOUT}
    queue = [each for each in runs if each.status.phase in waiting and each.status.timeline]
    busy = any(each.status.phase not in waiting and not each.status.phase.terminal for each in runs)

    free = [each for each in queue if blocked_by(each, runs) is None]

    assert len(free) == (0 if busy or not queue else 1)
    assert busy or free == [each for each in [next_up(runs)] if each is not None]


def test_a_run_of_another_namespace_is_named_with_it() -> None:
    other = run("a", age_s=60, phase=Phase.RUNNING)
    elsewhere = other.model_copy(
        update={"metadata": other.metadata.model_copy(update={"namespace": "checkout"})}
    )

    assert blocked_by(run("a2"), [elsewhere]) == "checkout/a"


@pytest.mark.parametrize(
    ("environment", "shared", "expected"),
    [
        (None, frozenset(), Lane("shop", "")),
        ("staging", frozenset(), Lane("shop", "staging")),
        ("staging", frozenset({"staging"}), Lane("", "staging")),
        ("blue", frozenset({"staging"}), Lane("shop", "blue")),
    ],
)
def test_a_lane_is_an_environment_or_else_a_namespace(
    environment: str | None, shared: frozenset[str], expected: Lane
) -> None:
    assert lane("shop", gate(environment=environment), shared) == expected


def test_runs_of_a_gate_that_is_gone_are_in_the_lane_of_the_namespace() -> None:
    assert lane("shop", None, frozenset({"staging"})) == Lane("shop", "")
