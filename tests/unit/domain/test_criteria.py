"""What of a gate a verdict depends on."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.domain.criteria import criteria_hash
from tests import api_cases
from tests.unit.domain.world import gate


def of(**spec: Any) -> str:
    return criteria_hash(gate(**spec).spec)


@pytest.mark.parametrize(
    "edit",
    [
        {"targetRef": {"name": "other"}},
        {"objectives": [{"expect": "p99 < 3s"}]},
        {"load": {"jmeter": {**api_cases.gate()["spec"]["load"]["jmeter"], "threads": 51}}},
        {"prometheus": "monitoring"},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_what_is_judged_and_how_counts(edit: dict[str, Any]) -> None:
    assert of(**edit) != of()


@pytest.mark.parametrize(
    "edit",
    [
        {"actions": {"onFail": "Hold"}},
        {"triggers": {"rollout": False}},
        {"mode": "Observe"},
        {"initial": "Test"},
        {"suspend": True},
        {"historyLimit": 5},
        {"environment": "staging"},
        {"override": {"revision": "5f1d0c2ab9", "reason": "sale", "expires": "2026-11-25T18:00:00Z"}},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_what_follows_and_what_begins_a_run_does_not_count(edit: dict[str, Any]) -> None:
    assert of(**edit) == of()


def test_a_default_that_is_written_down_changes_nothing() -> None:
    assert of(targetRef={"name": "front-end", "kind": "Deployment"}) == of()
