"""A gate without a test plan, a rate or threads: all follow from what the target says of itself, and its users do."""

from __future__ import annotations

import pytest
import yaml

from tests.e2e.arena import Arena, outcome
from tests.profiles import document

OVERLAY = """\
exclude:
- GET /metrics
- POST /token/validate  # documented as POST, served as GET
- POST /ws/echo         # a websocket
"""
RATES = {"GET /": 15.0, "GET /api/info": 5.0}
SCALE = 1.5


def test_production_is_played_on_what_the_revision_under_test_documents(arena: Arena):
    plan = {"configMap": "traffic", "openAPI": {"path": "/swagger.json", "overlay": "overlay.yaml"}}
    arena.load["profile"] = {"configMap": "traffic", "scale": SCALE, "stall": "2s"}
    arena.load["jmeter"] = {"plan": plan, "rampUp": "2s", "duration": "45s"}
    arena.gate_manifest["spec"]["objectives"].append(
        {"name": "info", "expect": "p95 < 1s", "transaction": "GET /api/info", "critical": False}
    )
    arena.kube.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "traffic", "namespace": arena.namespace},
                "data": {"overlay.yaml": OVERLAY, "profile.yaml": yaml.safe_dump(document(rates=RATES))},
            }
        ]
    )
    arena.start()
    arena.release("2")
    run = arena.wait_for_end()
    status = run["status"]
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), status.get("message")

    load = status["load"]
    assert (load["plannedRate"], load["threads"]) == ("1800/m", 60)
    assert any("production's Fri 12:00 (UTC) x 1.5" in each["message"] for each in status["timeline"])
    info = next(each for each in status["objectives"] if each["name"] == "info")
    share = RATES["GET /api/info"] / sum(RATES.values())
    assert info["samples"] == pytest.approx(share * load["judgedSamples"], rel=0.1)
