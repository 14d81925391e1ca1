"""`kill -9` of the operator in mid-run: it goes on where it was, and nothing is done twice."""

from __future__ import annotations

from tests.e2e.arena import SLOW, Arena, outcome


def test_killed_while_running_it_judges_all_of_the_load(arena: Arena):
    arena.start()
    arena.release("2")
    name = arena.wait_for_load()["metadata"]["name"]
    jobs = uids(arena)
    arena.operator.kill()
    arena.operator.start()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    assert uids(arena) == jobs, "a second Job was made"
    (worker,) = run["status"]["workers"]
    assert worker["rows"] == run["status"]["load"]["samples"]
    assert run["status"]["load"]["judgedSamples"] == worker["judgedSamples"] > 500
    assert [each["metadata"]["name"] for each in arena.runs()] == [name]
    arena.wait_for_known_good(run["status"]["revision"])


def test_killed_while_judging_it_reads_the_counters_and_concludes(arena: Arena):
    arena.start_with_prometheus()
    arena.release("2")
    arena.wait_for_phase("Judging")
    arena.operator.kill()
    arena.operator.start()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    counted = next(each for each in run["status"]["objectives"] if each["expect"] == "good >= 99%")
    assert counted["verdict"] == "Pass"
    assert counted["samples"] > 500
    assert len(uids(arena)) == 1


def test_killed_while_acting_it_rolls_back_once(arena: Arena):
    arena.start()
    before, generation = arena.template(), arena.deployment()["metadata"]["generation"]
    arena.release("2", *SLOW)
    arena.wait_for_phase("Acting")
    arena.operator.kill()
    arena.operator.start()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "ObjectiveFailed")
    assert run["status"]["action"]["type"] == "Rollback"
    assert arena.template() == before
    assert arena.deployment()["metadata"]["generation"] == generation + 2, "one release, one rollback"
    arena.wait_for_rollout()
    assert len(arena.runs()) == 1, "a rollback is not a release"


def uids(arena: Arena) -> set[str]:
    return {job["metadata"]["uid"] for job in arena.jobs()}
