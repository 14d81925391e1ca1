"""A gate without a test plan: it is made, at each run, from what the target says of itself."""

from __future__ import annotations

from tests.e2e.arena import Arena, outcome

OVERLAY = """\
exclude:
- GET /metrics
- POST /token/validate  # documented as POST, served as GET
- POST /ws/echo         # a websocket
weights: {GET /: 100, GET /api/info: 50}
"""


def test_the_document_of_the_revision_under_test_becomes_its_load(arena: Arena):
    arena.load["jmeter"] |= {
        "plan": {"configMap": "overlay", "openAPI": {"path": "/swagger.json", "overlay": "overlay.yaml"}},
        "duration": "45s",
    }
    arena.gate_manifest["spec"]["objectives"].append(
        {"name": "info", "expect": "p95 < 1s", "transaction": "GET /api/info", "critical": False}
    )
    arena.kube.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "overlay", "namespace": arena.namespace},
                "data": {"overlay.yaml": OVERLAY},
            }
        ]
    )
    arena.start()
    arena.release("2")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), run["status"].get("message")

    info = next(each for each in run["status"]["objectives"] if each["name"] == "info")
    whole = run["status"]["load"]["judgedSamples"]
    assert 0 < info["samples"] < whole / 5, "one of about a dozen operations, in half of the iterations"
