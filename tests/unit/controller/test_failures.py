from __future__ import annotations

from datetime import UTC, datetime, timedelta

from devperfops_operator.controller.failures import Failures
from devperfops_operator.controller.keys import Key, Subject
from devperfops_operator.domain.errors import Refused, Unavailable

KEY = Key(Subject.RUN, "shop", "front-end-1")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_failures_of_an_effect_are_counted() -> None:
    failures = Failures()

    failures.record(KEY, "RollBack", Unavailable("away"), NOW)
    failures.record(KEY, "RollBack", Refused("Forbidden", "no"), NOW + timedelta(seconds=1))

    failure = failures.of(KEY)["RollBack"]
    assert (failure.refused, failure.message, failure.attempts) == (True, "no", 2)


def test_success_clears_only_its_own_effect() -> None:
    failures = Failures()
    failures.record(KEY, "RollBack", Unavailable("away"), NOW)
    failures.record(KEY, "CreateJob", Unavailable("away"), NOW)

    failures.clear(KEY, "RollBack")

    assert list(failures.of(KEY)) == ["CreateJob"]


def test_keys_do_not_see_each_others_failures() -> None:
    failures = Failures()
    failures.record(KEY, "CreateJob", Unavailable("away"), NOW)

    assert not failures.of(KEY._replace(name="front-end-2"))
