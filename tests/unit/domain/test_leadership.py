"""When a lease may be claimed, and what is written into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.domain.leadership import Lease
from devperfops_operator.domain.manifests.lease import lease_manifest, read_lease

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NEW = Lease("devperfops-system", "devperfops-operator")
HELD = Lease("devperfops-system", "devperfops-operator", "7", "a", MINUTE, NOON, NOON, 3)

moments = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("unchanged", "free"), [(timedelta(), False), (59 * SECOND, False), (60 * SECOND, True)]
)
def test_what_another_holds_is_free_when_it_has_not_changed_for_its_duration(
    unchanged: timedelta, *, free: bool
) -> None:
    assert HELD.free_for("b", MINUTE, unchanged) is free
    assert HELD.free_for("b", SECOND, unchanged) is free, "the holder counts on the longer one"


def test_a_claimant_waits_at_least_as_long_as_it_would_let_others_wait() -> None:
    assert not HELD.free_for("b", 2 * MINUTE, MINUTE)


def test_nobodys_and_ones_own_are_free_at_once() -> None:
    assert NEW.free_for("b", MINUTE, timedelta())
    assert HELD.free_for("a", MINUTE, timedelta())
    assert HELD.released(NOON).free_for("b", MINUTE, timedelta())


@given(wall_clock=moments)
def test_no_wall_clock_has_a_say(wall_clock: datetime) -> None:
    skewed = HELD.held_by("a", MINUTE, wall_clock)

    assert not skewed.free_for("b", MINUTE, 59 * SECOND)
    assert skewed.free_for("b", MINUTE, MINUTE)


def test_a_renewal_leaves_the_acquisition_as_it_was() -> None:
    renewed = HELD.held_by("a", MINUTE, NOON + SECOND)

    assert (renewed.acquired_at, renewed.renewed_at, renewed.transitions) == (NOON, NOON + SECOND, 3)


def test_each_change_of_the_holder_is_counted() -> None:
    first = NEW.held_by("a", MINUTE, NOON)
    taken = HELD.held_by("b", MINUTE, NOON + MINUTE)

    assert (first.holder, first.transitions) == ("a", 0)
    assert (taken.holder, taken.acquired_at, taken.transitions) == ("b", NOON + MINUTE, 4)
    assert HELD.released(NOON).held_by("b", MINUTE, NOON).transitions == 4


@given(holder=st.sampled_from(["", "a_1"]), seconds=st.integers(1, 3600), at=moments, count=st.integers(0, 9))
def test_what_is_written_is_read_back(holder: str, seconds: int, at: datetime, count: int) -> None:
    lease = Lease("ns", "name", "12", holder, seconds * SECOND, at, at, count)

    assert read_lease(lease_manifest(lease)) == lease


def test_a_lease_somebody_made_by_hand_is_nobodys() -> None:
    metadata = {"namespace": "ns", "name": "name", "resourceVersion": "1"}

    assert read_lease({"metadata": metadata}).free_for("a", MINUTE, timedelta())
    assert read_lease({"metadata": metadata, "spec": {}}).holder == ""
