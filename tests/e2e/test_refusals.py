"""The API server says no: a reason, and not a loop."""

from __future__ import annotations

import pytest

from hack.kube import Object
from tests.e2e.arena import SLOW, Arena, outcome

ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture
def frozen_templates(arena: Arena):
    """In this namespace the operator may not change what a Deployment runs."""
    name = f"frozen-{arena.namespace}"
    arena.kube.apply([_policy(name), _binding(name, arena.namespace)])
    yield
    arena.kube.delete("ValidatingAdmissionPolicyBinding", name, None, ADMISSION)
    arena.kube.delete("ValidatingAdmissionPolicy", name, None, ADMISSION)


@pytest.mark.usefixtures("frozen_templates")
def test_a_refused_rollback_is_told_and_left(arena: Arena):
    arena.start()
    arena.release("2", *SLOW)
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Fail", "ObjectiveFailed")
    action = run["status"]["action"]
    assert (action["type"], action["reason"]) == ("Hold", "RollBackRefused")
    assert "no rollbacks before the sale" in action["message"]
    assert "--ui-message=version 2" in str(arena.template())
    generation = arena.deployment()["metadata"]["generation"]
    gate = arena.wait_for_gate("told", lambda gate: gate["status"].get("lastVerdict") == "Fail")
    assert gate["status"]["knownGood"] != run["status"]["revision"]
    assert arena.deployment()["metadata"]["generation"] == generation
    assert len(arena.runs()) == 1


def _policy(name: str) -> Object:
    return {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": ["UPDATE"],
                        "resources": ["deployments"],
                    }
                ]
            },
            "validations": [
                {
                    "expression": "!request.userInfo.username.endsWith(':operator') "
                    "|| object.spec.template == oldObject.spec.template",
                    "message": "no rollbacks before the sale",
                }
            ],
        },
    }


def _binding(name: str, namespace: str) -> Object:
    return {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
            },
        },
    }
