"""A gate without a plan, a rate, threads or a limit: the target, its users and an SLO say what they are."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from devperfops_operator.wire.jmx import recorded_names
from tests.e2e.arena import Arena, outcome
from tests.profiles import document

OVERLAY = """\
exclude:
- GET /metrics
- POST /token/validate  # documented as POST, served as GET
- POST /ws/echo         # a websocket
"""
SLOS = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: web-latency}
spec: {service: podinfo, objectives: [{op: lte, value: 1, target: 0.95}]}
"""
RATES = {"GET /": 15.0, "GET /api/info": 5.0}
SCALE = 1.5


def test_production_is_played_on_what_the_revision_under_test_documents(arena: Arena):
    plan = {"configMap": "traffic", "openAPI": {"path": "/swagger.json", "overlay": "overlay.yaml"}}
    arena.load["profile"] = {"configMap": "traffic", "scale": SCALE, "stall": "2s"}
    arena.load["shape"] = {"stress": {"factor": 1.5, "steps": 2}}
    arena.load["jmeter"] = {"plan": plan, "rampUp": "2s", "duration": "45s"}
    arena.gate_manifest["spec"]["objectives"] = [
        {"sloRef": {"configMap": "traffic", "slo": "web-latency"}},
        {"expect": "errors < 1%"},
        {"name": "info", "expect": "p95 < 1s", "transaction": "GET /api/info", "critical": False},
    ]
    arena.kube.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "traffic", "namespace": arena.namespace},
                "data": {
                    "overlay.yaml": OVERLAY,
                    "profile.yaml": yaml.safe_dump(document(rates=RATES)),
                    "slos.yaml": SLOS,
                },
            }
        ]
    )
    arena.gate_manifest["spec"]["coverage"] = {"maxDistance": "10%", "minEndpoints": "99%"}
    arena.start()
    arena.release("2")
    run = arena.wait_for_end()
    status = run["status"]
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), status.get("message")

    load = status["load"]
    assert (load["plannedRate"], load["threads"]) == (
        "2250/m",
        90,
    )  # on the average of two steps; for the higher one
    assert any("production's Fri 12:00 (UTC) x 1.5" in each["message"] for each in status["timeline"])
    web = next(each for each in status["objectives"] if each["name"] == "web-latency")
    assert (web["expect"], web["origin"], web["verdict"]) == ("p95 <= 1s", "SLO", "Pass")
    coverage = status["coverage"]
    assert {each["name"]: each["requests"] for each in coverage["endpoints"]} == {
        each["name"]: pytest.approx(
            RATES[each["name"]] / sum(RATES.values()) * load["judgedSamples"], rel=0.1
        )
        for each in coverage["endpoints"]
    }
    assert (coverage["exercised"], coverage["unseen"], coverage.get("unmapped", [])) == ("100%", "0%", [])

    program = [str(Path(sys.executable).parent / "devperfops"), "plan", run["metadata"]["name"]]
    place = ["-n", arena.namespace, "--kubeconfig", str(arena.kube.kubeconfig)]
    plan = subprocess.run([*program, *place], capture_output=True, check=True).stdout
    (worker,) = status["workers"]
    assert worker["plan"] == {"sha256": sha256(plan).hexdigest(), "size": len(plan)}
    names = recorded_names(plan)
    assert names is not None
    assert RATES.keys() <= names.keys()

    first, higher = load["levels"]
    assert (first["plannedRate"], higher["name"], higher["plannedRate"]) == ("1800/m", "at 1.5x", "2700/m")
    assert higher["samples"] == pytest.approx(1.5 * first["samples"], rel=0.1)
    assert "the objectives held up to 1" in status["message"]  # the second step may be too short to show it

    info = [each for each in status["objectives"] if each["name"] in {"info", "info at 1.5x"}]
    share = RATES["GET /api/info"] / sum(RATES.values())
    assert sum(each["samples"] for each in info) == pytest.approx(share * load["judgedSamples"], rel=0.1)
