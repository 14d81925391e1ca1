"""A rollback leaves no trace: after it, who set what is as it was when the known-good was kept."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.api.perfrun import ActionType, Phase
from devperfops_operator.domain.run import rollback_under_way
from tests.unit.domain.test_run import deliver_final, fail_run
from tests.unit.domain.world import BAD, GOOD, World, last_applied, owned_by_kubectl, released, template


@pytest.fixture
def release() -> tuple[World, str]:
    return next(released())


def put_back(world: World, name: str) -> None:
    """To the moment when the template is back and its records are not."""
    world.until(name, Phase.RUNNING)
    world.load(name, BAD, GOOD, failed=True)
    for _ in range(10):
        if "RolledBack" in world.told(name):
            return
        world.step_run(name)
    raise AssertionError(world.told(name))


def forget_ownership(world: World) -> None:
    """As in snapshots of an earlier version of the operator."""
    for kept in world.kept.values():
        del kept["data"]["ownership"]


def action(world: World, name: str) -> Any:
    return world.runs[name].status.action


def test_the_records_are_as_they_were(release: tuple[World, str]) -> None:
    world, name = release
    fail_run(world, name)
    deliver_final(world, name)
    assert world.managed_fields == owned_by_kubectl(template("1"))
    assert world.annotation == last_applied(template("1"))
    assert "TracesLeft" not in world.told(name)


def test_it_is_done_only_after_the_records(release: tuple[World, str]) -> None:
    world, name = release
    put_back(world, name)
    assert world.template == template("1")
    assert world.managed_fields != owned_by_kubectl(template("1"))
    assert rollback_under_way(world.runs[name])


def test_whoever_replaces_the_template_meanwhile_keeps_his_records(release: tuple[World, str]) -> None:
    world, name = release
    put_back(world, name)
    world.roll_out(template("3"))
    world.settle(name)
    assert action(world, name).type is ActionType.ROLLBACK
    assert action(world, name).done_at is not None
    assert world.template == template("3")
    assert world.managed_fields == owned_by_kubectl(template("3"))
    assert world.annotation == last_applied(template("3"))


def test_records_that_nobody_may_write_are_told_and_do_not_undo_the_rollback(
    release: tuple[World, str],
) -> None:
    world, name = release
    world.refused["RestoreOwnership"] = "admission says no"
    put_back(world, name)
    for _ in range(20):
        world.step_run(name)
        world.wait(10)
    assert action(world, name).type is ActionType.ROLLBACK
    assert action(world, name).done_at is not None
    assert "admission says no" in action(world, name).message
    assert world.told(name).count("RolledBack") == world.told(name).count("TracesLeft") == 1


def test_an_annotation_that_nobody_may_write_does_not_prevent_the_rollback(
    release: tuple[World, str],
) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.load(name, BAD, GOOD, failed=True)
    world.refused["RollBack"] = "annotations are ours"
    while "RollBack" not in world.failures:
        world.step_run(name)
    world.refused.clear()
    for _ in range(20):
        world.step_run(name)
        world.wait(10)
    assert world.template == template("1")
    assert world.annotation == last_applied(template("2"))
    assert "last-applied annotation could not be put back" in action(world, name).message


def test_a_snapshot_that_knows_no_owners_is_put_back_all_the_same(release: tuple[World, str]) -> None:
    world, name = release
    forget_ownership(world)
    fail_run(world, name)
    deliver_final(world, name)
    assert world.template == template("1")
    assert world.annotation == last_applied(template("2"))
    assert "may keep fields of revision" in action(world, name).message
    assert world.told(name).count("TracesLeft") == 1
