"""The JSON report's schema: what a program can rely on."""

from __future__ import annotations

import inspect
import json

import pytest

from devperfops_operator.domain.report import SCHEMA, report_document
from tests.unit.cli import samples

KEYS = [
    "schema",
    "run",
    "phase",
    "verdict",
    "reason",
    "message",
    "score",
    "load",
    "live",
    "coverage",
    "consumption",
    "objectives",
    "past",
    "pastCompared",
    "workers",
    "action",
    "timeline",
    "record",
    "notifications",
]


@pytest.mark.parametrize(
    "run", [samples.run(), samples.running(), samples.failed()], ids=["new", "running", "failed"]
)
def test_every_key_is_always_there(run):
    document = json.loads(json.dumps(report_document(run)))
    assert list(document) == KEYS
    assert document["schema"] == SCHEMA == "devperfops.io/report/v1"
    assert list(document["run"]) == [
        "namespace",
        "name",
        "uid",
        "gate",
        "trigger",
        "revision",
        "askedFor",
        "createdAt",
        "completedAt",
    ]


def test_a_failed_run_in_full():
    document = report_document(samples.failed())
    assert (document["phase"], document["verdict"], document["reason"]) == (
        "Completed",
        "Fail",
        "ObjectiveFailed",
    )
    assert document["message"] == samples.FAILURE
    assert document["run"]["createdAt"] == "2026-11-23T14:03:00.000Z"
    assert document["run"]["completedAt"] == "2026-11-23T14:03:44.000Z"
    assert document["load"]["plannedRate"] == "3000/m"
    assert document["load"]["stopRequestedAt"] is None
    assert document["objectives"][0]["exceedances"] == 31
    assert document["objectives"][1]["verdict"] is None
    assert document["action"]["toRevision"] == "9ab31c2e11"
    assert [entry["reason"] for entry in document["timeline"]][-2:] == ["RolledBack", "Completed"]


def test_what_is_not_known_is_null():
    document = report_document(samples.run())
    assert [document[key] for key in ("verdict", "reason", "message", "load", "action")] == [None] * 5
    assert (document["objectives"], document["workers"], document["timeline"]) == ([], [], [])


def test_every_key_is_documented():
    documented = inspect.getdoc(report_document)
    document = report_document(samples.failed())
    parts = (document, document["run"], document["load"], document["objectives"][0], document["workers"][0])
    for part in (*parts, document["action"], document["timeline"][0]):
        assert [key for key in part if key not in documented] == []
