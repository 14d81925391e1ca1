from __future__ import annotations

from devperfops_operator.agent.faults import FaultWatch
from devperfops_operator.wire.measurement import Fault


class Node:
    """As the agent sees it."""

    def __init__(self) -> None:
        self.free, self.offset = 1 << 30, 1_700_000_000.25
        self.watch = FaultWatch(lambda: self.free, lambda: self.offset)

    def fault(self) -> Fault | None:
        self.watch.look()
        return self.watch.fault


def test_a_clock_that_is_adjusted_a_little_does_not_matter() -> None:
    node = Node()
    node.offset += 0.4
    assert node.fault() is None


def test_a_clock_that_was_set_is_told_in_whatever_direction() -> None:
    for step in (-600, -1.5, 1.5, 600):
        node = Node()
        assert node.fault() is None
        node.offset += step
        assert node.fault() is Fault.CLOCK_STEPPED


def test_what_a_fault_spoilt_stays_spoilt() -> None:
    node = Node()
    node.free = 0
    assert node.fault() is Fault.DISK_FULL
    node.free = 1 << 30
    node.offset += 600
    assert node.fault() is Fault.DISK_FULL
