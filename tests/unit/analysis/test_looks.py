"""Looks: nothing is kept where nothing is counted."""

from devperfops_operator.analysis.looks import _MOST, Journal


def test_a_run_that_counts_nothing_keeps_nothing() -> None:
    journal = Journal(())
    for second in range(_MOST + 1):
        journal.add(0, second, {})
    assert not journal.cut
    assert not journal._seconds
