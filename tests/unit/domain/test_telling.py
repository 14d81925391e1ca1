"""Every receiver hears of the end of a run at least once, and no verdict depends on it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.domain.effects import Notify, RunDecision
from devperfops_operator.domain.observed import Delivery, Evidence, Inputs, RunObserved, RunSettings
from devperfops_operator.domain.run import decide_run, untold
from tests.unit.domain.world import START

RECEIVERS = RunSettings(receivers=("slack", "webhook"))


def a_run(**status: object) -> PerfRun:
    metadata = {
        "name": "front-end-1",
        "namespace": "shop",
        "uid": "u-1",
        "creationTimestamp": START.isoformat(),
    }
    spec = {"gate": "front-end", "cancel": "phase" not in status}
    return PerfRun.from_json({"metadata": metadata, "spec": spec, "status": status})


def decide(run: PerfRun, *, seconds: float = 0, **observed: object) -> RunDecision:
    seen = RunObserved(
        run=run,
        gate=None,
        target=None,
        inputs=Inputs(),
        snapshots=(),
        job=None,
        evidence=Evidence(),
        settings=RECEIVERS,
        **observed,  # type: ignore[arg-type]
    )
    return decide_run(seen, START + timedelta(seconds=seconds))


def ended() -> PerfRun:
    """As stored: the gate is gone, and so the run is cancelled."""
    run = a_run()
    return run.model_copy(update={"status": decide(run, seconds=11).status})


def notified(decision: RunDecision) -> list[str]:
    return [effect.receiver for effect in decision.effects if isinstance(effect, Notify)]


def tried(seconds: float, *, attempts: int = 1, sent: bool = False) -> Delivery:
    words = "" if sent else "Slack answers internal_error"
    return Delivery(attempts, START + timedelta(seconds=seconds), sent, words)


def test_whom_it_is_owed_to_is_stored_with_the_end_itself() -> None:
    run = ended()
    assert run.status.phase is Phase.CANCELLED
    assert [entry.receiver for entry in run.status.notifications] == ["slack", "webhook"]
    assert notified(decide(run, seconds=11)) == ["slack", "webhook"]


def test_who_has_been_told_is_not_told_again() -> None:
    run = ended()
    decision = decide(run, seconds=13, deliveries={"slack": tried(12, sent=True)})
    assert notified(decision) == ["webhook"]
    stored = run.model_copy(update={"status": decision.status})
    assert notified(decide(stored, seconds=14)) == ["webhook"], "the status knows it, also after a restart"
    assert untold(decision.status)


def test_a_try_whose_success_was_not_stored_is_repeated() -> None:
    """Killed between Slack's answer and the status: told twice rather than not at all."""
    assert notified(decide(ended(), seconds=13, deliveries={})) == ["slack", "webhook"]


def test_a_failure_is_told_in_the_status_and_tried_again_later_and_later() -> None:
    run = ended()
    decision = decide(run, seconds=12, deliveries={"slack": tried(12), "webhook": tried(12, sent=True)})
    assert notified(decision) == []
    assert decision.status.notifications[0].message == "Slack answers internal_error"
    assert (decision.status.verdict, decision.status.reason) == (run.status.verdict, run.status.reason)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (5, 80), (8, 640), (500, 640)])
def test_the_pause_doubles_up_to_ten_minutes(attempts: int, seconds: int) -> None:
    failed = {name: tried(12, attempts=attempts) for name in ("slack", "webhook")}
    early = decide(ended(), seconds=12 + seconds - 1, deliveries=failed)
    assert notified(early) == []
    assert notified(decide(ended(), seconds=12 + seconds, deliveries=failed)) == ["slack", "webhook"]


def test_after_a_day_it_is_given_up_and_its_last_words_stand() -> None:
    run, day = ended(), timedelta(days=1).total_seconds()
    late = decide(run, seconds=day + 20, deliveries={"slack": tried(day, attempts=200)})
    assert notified(late) == []
    assert late.status.notifications[0].message == "Slack answers internal_error"


def test_runs_of_before_there_were_receivers_are_not_told() -> None:
    old = a_run(phase="Completed", verdict="Pass", completedAt=START.isoformat())
    decision = decide(old, seconds=60)
    assert decision == RunDecision(old.status)


def test_nobody_hears_of_a_run_that_is_being_deleted() -> None:
    run = a_run()
    metadata = run.metadata.model_copy(update={"deletion_timestamp": START})
    decision = decide(run.model_copy(update={"metadata": metadata}), seconds=11)
    assert decision.status.phase is Phase.CANCELLED
    assert decision.status.notifications == ()
