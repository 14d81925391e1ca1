from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from devperfops_operator.controller.schedule import Schedule


def test_a_key_added_often_is_worked_once() -> None:
    schedule: Schedule[str] = Schedule()

    for _ in range(3):
        schedule.add("a")

    assert schedule.take(0) == "a"
    schedule.done("a")
    assert schedule.take(0) is None


def test_keys_are_worked_in_the_order_they_came() -> None:
    schedule: Schedule[str] = Schedule()

    for key in ("b", "a", "b", "c"):
        schedule.add(key)

    assert [schedule.take(0) for _ in range(4)] == ["b", "a", "c", None]


def test_a_key_that_is_worked_is_not_given_to_another_worker() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)

    schedule.add("a")

    assert schedule.take(0) is None


def test_what_is_added_while_it_is_worked_is_worked_again_afterwards() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)
    schedule.add("a")

    schedule.done("a", again_at=99)

    assert schedule.take(0) == "a"
    schedule.done("a")
    assert schedule.next_due() is None


def test_a_timer_rings_when_it_is_due() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)

    schedule.done("a", again_at=10)

    assert schedule.next_due() == 10
    assert schedule.take(9.9) is None
    assert schedule.take(10) == "a"


def test_the_last_word_about_when_to_look_again_holds() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)
    schedule.done("a", again_at=5)
    schedule.add("a")
    schedule.take(1)

    schedule.done("a", again_at=20)

    assert schedule.next_due() == 20
    assert schedule.take(6) is None


def test_a_key_that_is_added_does_not_wait_for_its_timer() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)
    schedule.done("a", again_at=100)

    schedule.add("a")

    assert schedule.take(1) == "a"
    schedule.done("a")
    assert schedule.take(100) is None, "the older timer is void"


def test_failures_are_tried_again_after_delays_that_double_up_to_a_quarter_of_a_minute() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    now, delays = 0.0, []

    for _ in range(12):
        assert schedule.take(now) == "a"
        delays.append(schedule.failed("a", now))
        assert schedule.take(now + delays[-1] / 2) is None
        now += delays[-1]

    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == 15


def test_success_ends_the_back_off() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)
    schedule.failed("a", 0)
    schedule.take(1)

    schedule.done("a")
    schedule.add("a")
    schedule.take(2)

    assert schedule.failed("a", 2) == 0.1


def test_one_key_in_back_off_does_not_hold_up_the_others() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a")
    schedule.take(0)
    schedule.failed("a", 0)

    schedule.add("b")

    assert schedule.take(0) == "b"


class ScheduleMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order: nothing is worked twice at once and nothing is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule[str] = Schedule()
        self.now = 0.0
        self.working: list[str] = []
        self.owed: set[str] = set()

    @rule(key=st.sampled_from("abc"))
    def add(self, key: str) -> None:
        self.schedule.add(key)
        self.owed.add(key)

    @rule()
    def take(self) -> None:
        key = self.schedule.take(self.now)
        if key is not None:
            assert key not in self.working
            self.working.append(key)
            self.owed.discard(key)

    @precondition(lambda self: self.working)
    @rule(delay=st.none() | st.integers(1, 5))
    def done(self, delay: int | None) -> None:
        key = self.working.pop(0)
        self.schedule.done(key, None if delay is None else self.now + delay)

    @precondition(lambda self: self.working)
    @rule()
    def fail(self) -> None:
        self.owed.add(self.working[0])
        self.schedule.failed(self.working.pop(0), self.now)

    @rule(seconds=st.integers(1, 100))
    def let_time_pass(self, seconds: int) -> None:
        self.now += seconds

    def teardown(self) -> None:
        for key in self.working:
            self.schedule.done(key)
        drained = set()
        while (key := self.schedule.take(self.now + 1000)) is not None:
            drained.add(key)
        assert self.owed <= drained


test_any_order_of_things = ScheduleMachine.TestCase
