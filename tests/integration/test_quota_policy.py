"""Quota policies beside any gate: the operator checks them, and tells when the answer changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from devperfops_operator.api import rights
from devperfops_operator.api.settings import Notifications
from devperfops_operator.cli.app import app
from devperfops_operator.controller.operator import Operator
from devperfops_operator.server.metrics import Metrics
from hack.kube import condition
from tests.integration.operating import operating
from tests.integration.test_quota_gate import FILES, RAISED, objects, waived
from tests.integration.world import World, as_service_account, eventually, operator_account, sockets_closed
from tests.receivers import notifications, receiving

pytestmark = pytest.mark.integration

POLICY = "QuotaPolicy"


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


def said(world: World, kind: str = "Passed") -> tuple[str, str]:
    """Status and reason of one of the policy's conditions."""
    found = condition(world.kube.get(POLICY, "january", world.namespace), kind)
    return found.get("status", ""), found.get("reason", "")


async def answers(world: World, *wanted: str) -> None:
    await eventually(f"the policy says {wanted}", lambda: said(world) == wanted)


def events(world: World) -> list[str]:
    return sorted(world.events("january"))


def headroom(operator: Operator, world: World) -> float | None:
    """As Prometheus would scrape it."""
    registry = CollectorRegistry()
    Metrics(registry, operator.runs, operator.quota_policies)
    labels = {"namespace": world.namespace, "policy": "january"}
    return registry.get_sample_value("devperfops_quota_headroom_ratio", labels)


async def test_the_status_the_events_and_the_metric_follow_the_quota(world: World) -> None:
    objects(world)
    async with operating(world) as operator:
        await answers(world, "False", "QuotaRegression")
        status = world.status(POLICY, "january")
        assert status["worst"]["metric"] == "ledger.googleapis.com/read_calls"
        assert status["worst"]["granted"] == "1,000/min"
        assert "raise it to at least" in status["worst"]["remedy"]
        await eventually("the metric is there", lambda: headroom(operator, world) is not None)
        assert headroom(operator, world) == pytest.approx(float(status["headroom"]))
        assert float(status["headroom"]) < 0

        waived(world, "2099-01-15T00:00:00Z")
        await answers(world, "True", "QuotaWaived")
        assert world.status(POLICY, "january")["counts"]["regressions"] == 0
        assert (headroom(operator, world) or 0) < 0, "waived is not granted"

        soon = datetime.now(UTC) + timedelta(seconds=2)
        waived(world, f"{soon:%Y-%m-%dT%H:%M:%SZ}")
        await answers(world, "False", "QuotaRegression")
        assert datetime.now(UTC) >= soon.replace(microsecond=0)

        objects(world, production_yaml=RAISED)
        await answers(world, "True", "QuotaGranted")
        await eventually("so does the metric", lambda: headroom(operator, world) == 0)

        objects(world, production_yaml="{")
        await answers(world, "Unknown", "QuotaUnknown")
        assert said(world, "Ready") == ("False", "QuotaUnknown")
        await eventually("unknown is no number", lambda: headroom(operator, world) is None)
        await eventually(
            "each answer is told",
            lambda: {"QuotaRegression", "QuotaWaived", "QuotaGranted", "QuotaUnknown"} <= set(events(world)),
        )


async def test_slack_hears_of_another_answer_once_and_after_an_outage_too(
    world: World, tmp_path: Path
) -> None:
    async with receiving() as listeners:
        told = Notifications.model_validate(notifications(listeners, tmp_path))
        objects(world, production_yaml=RAISED)
        async with operating(world, notifications=told):
            await answers(world, "True", "QuotaGranted")
            assert "alert" not in world.status(POLICY, "january"), "that all is granted is no news"

            objects(world)
            await answers(world, "False", "QuotaRegression")
            await eventually("it is told", lambda: len(listeners.posts) == 1)
            objects(world, more_yaml="nothing: 1")
            listeners.out_of_order = 2
            waived(world, "2099-01-15T00:00:00Z")
            await eventually("it was tried", lambda: listeners.out_of_order < 2)
        listeners.out_of_order = 0
        async with operating(world, notifications=told):  # killed meanwhile: what is owed is in the status
            await eventually("it is told", lambda: len(listeners.posts) == 2)
            await eventually("the status knows", lambda: "sentAt" in alert(world))
        first, second = listeners.posts
    assert first.splitlines()[0] == f"QuotaRegression: QuotaPolicy january in {world.namespace}"
    assert "production grants less than is asked of it" in first
    assert second.startswith("QuotaWaived: QuotaPolicy january")
    assert listeners.reports == [], "the webhook gets reports of runs"


def alert(world: World) -> dict[str, Any]:
    (entry,) = world.status(POLICY, "january")["alert"]["notifications"]
    return dict(entry)


async def test_nothing_is_written_while_the_answer_stays(world: World) -> None:
    objects(world)
    registry = CollectorRegistry()

    def checks() -> float:
        return registry.get_sample_value("devperfops_reconcile_seconds_count", {"kind": POLICY}) or 0

    async with operating(world, registry=registry):
        await answers(world, "False", "QuotaRegression")
        await eventually("it is told", lambda: events(world))
        version = world.kube.get(POLICY, "january", world.namespace)["metadata"]["resourceVersion"]
        for more in ("1", "2", "3"):
            before = checks()
            objects(world, more_yaml=f"nothing: {more}")
            await eventually("it is checked again", lambda before=before: checks() > before)
        assert world.kube.get(POLICY, "january", world.namespace)["metadata"]["resourceVersion"] == version
    async with operating(world, registry=(registry := CollectorRegistry())):
        await eventually("another operator checks it", checks)
    assert world.kube.get(POLICY, "january", world.namespace)["metadata"]["resourceVersion"] == version
    assert events(world) == ["QuotaRegression"]


async def test_a_policy_for_the_command_says_that_it_is_none_for_the_operator(world: World) -> None:
    objects(world)
    google = {"spec": {"serving": {"file": None, "google": {"project": "shop"}}}}
    world.kube.patch(POLICY, "january", world.namespace, google)
    async with operating(world):
        await answers(world, "Unknown", "QuotaUnknown")
        message = condition(world.kube.get(POLICY, "january", world.namespace), "Passed")["message"]
        assert "the operator reads files only, and environment production is none" in message


def allowed(world: World, *, but: str = "") -> list[dict[str, Any]]:
    """ServiceAccount `operator` with the rights of the operator's role, without those to one resource."""
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": sorted(verbs)}
        for (group, resource), verbs in rights.NAMESPACED.items()
        if resource != but
    ]
    return operator_account(world.namespace, rules)


@pytest.mark.parametrize(
    ("but", "wanted"),
    [("", ("False", "QuotaRegression")), ("configmaps", ("Unknown", "QuotaUnknown"))],
)
async def test_the_operators_role_is_enough_and_what_it_may_not_read_is_unknown(
    world: World, tmp_path: Path, but: str, wanted: tuple[str, str]
) -> None:
    objects(world)
    world.kube.apply(allowed(world, but=but))
    async with (
        as_service_account(world.kube, "operator", world.namespace, tmp_path) as connection,
        operating(world, connection, watch_config_maps=False),
    ):
        await answers(world, *wanted)
        await eventually("it is told", lambda: events(world) == [wanted[1]])
    message = condition(world.kube.get(POLICY, "january", world.namespace), "Passed")["message"]
    assert ("forbidden" in message.lower()) is bool(but), message


async def test_what_is_stored_is_a_document_for_the_command(world: World, tmp_path: Path) -> None:
    objects(world)
    async with operating(world):
        await answers(world, "False", "QuotaRegression")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    stored = tmp_path / "stored.yaml"
    stored.write_text(yaml.safe_dump(world.kube.get(POLICY, "january", world.namespace)))

    command = ["quota", "check", "-f", str(stored), "-o", "json"]
    checked = await asyncio.to_thread(CliRunner().invoke, app, command)

    assert checked.exit_code == 1, checked.output
    found = json.loads(checked.stdout)["findings"]
    regressions = [each for each in found if each["verdict"] == "Regression"]
    assert len(regressions) == world.status(POLICY, "january")["counts"]["regressions"]
