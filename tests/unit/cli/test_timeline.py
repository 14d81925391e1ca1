"""The narrator tells each step once, however often and in whatever pieces statuses are seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.cli.timeline import Narrator
from tests.unit.cli import samples


def _seen(run, steps):
    return run.model_copy(
        update={"status": run.status.model_copy(update={"timeline": run.status.timeline[:steps]})}
    )


@given(st.lists(st.integers(0, 5), max_size=12))
def test_every_step_is_told_once_in_order_whatever_states_are_seen(seen):
    run = samples.failed()
    narrator = Narrator()
    states = [*sorted(seen), 5]
    told = [line.reason for steps in states for line in narrator.run(_seen(run, steps))]
    assert told == [entry.reason for entry in run.status.timeline]


def test_an_older_state_that_comes_late_tells_nothing_twice():
    run, narrator = samples.failed(), Narrator()
    narrator.run(run)
    assert narrator.run(_seen(run, 2)) == []
    assert narrator.run(run) == []


def test_a_line_has_the_words_of_the_status():
    line = Narrator().run(samples.failed())[2]
    assert (line.subject, line.phase, line.reason) == ("podinfo-5f2c1a9b3d-1", "Acting", "ObjectiveFailed")
    assert line.message == samples.FAILURE


def test_runs_are_told_apart_by_uid_not_by_name():
    narrator = Narrator()
    first = samples.failed()
    again = first.model_copy(update={"metadata": first.metadata.model_copy(update={"uid": "another"})})
    assert len(narrator.run(first)) == len(narrator.run(again)) == 5


def test_what_was_skipped_is_not_told_but_what_follows_is():
    run, narrator = samples.failed(), Narrator()
    narrator.skip(_seen(run, 3))
    assert [line.reason for line in narrator.run(run)] == ["RolledBack", "Completed"]


def test_a_gate_tells_changes_of_passed_and_that_it_is_stalled():
    narrator = Narrator()
    assert [line.reason for line in narrator.gate(samples.gate())] == ["ObjectiveFailed"]
    assert narrator.gate(samples.gate()) == []
    assert [line.reason for line in narrator.gate(samples.gate(stalled=True))] == ["PlanNotFound"]
    assert narrator.gate(samples.gate()) == []
