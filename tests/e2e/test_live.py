"""A gate without a load: real requests of others, counted by the app and told by Prometheus, decide over releases."""

from __future__ import annotations

import textwrap

from hack.kube import Object
from tests.e2e.arena import APP, SLOW, Arena, outcome

USERS = """
import sys, threading, time, urllib.request

def visit():
    while True:
        try:
            urllib.request.urlopen(sys.argv[1], timeout=20).read()
        except OSError:  # a pod goes; a new connection finds another
            pass
        time.sleep(0.2)

for _ in range(6):
    threading.Thread(target=visit).start()
"""


def test_what_users_see_passes_a_release_and_rolls_another_back(arena: Arena):
    series = f'{{namespace="{arena.namespace}", app="{APP}", path="root"}}'
    spec = arena.gate_manifest["spec"]
    del spec["load"]
    spec["live"] = {"duration": "45s"}
    spec["objectives"] = [
        {"name": "fast", "expect": "p95 < 1s", "histogram": f"http_request_duration_seconds_bucket{series}"}
    ]
    arena.kube.apply([users(arena)])
    arena.start_with_prometheus()

    arena.release("2")
    passed = arena.wait_for_end()
    assert outcome(passed) == ("Completed", "Pass", "ObjectivesMet"), passed["status"].get("message")
    judged = {each["name"]: each for each in passed["status"]["objectives"]}
    assert judged["fast"]["samples"] > 300
    assert judged["availability"]["samples"] > 300
    arena.wait_for_known_good(passed["status"]["revision"])
    good = arena.template()

    arena.release("3", *SLOW)
    failed = arena.wait_for_end(number=2)
    assert outcome(failed) == ("Completed", "Fail", "ObjectiveFailed"), failed["status"].get("message")
    assert failed["status"]["message"].startswith("p95 < 1s does not hold: ")
    assert arena.template() == good
    assert arena.jobs() == [], "nobody but users loaded anything"


def users(arena: Arena) -> Object:
    """Six of them, each with a visit every fifth of a second."""
    container = {
        "name": "users",
        "image": arena.images["operator"],
        "command": ["python", "-c", textwrap.dedent(USERS), f"http://{APP}.{arena.namespace}.svc/"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    labels = {"app": "users"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "users", "namespace": arena.namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
