"""The operator as Helm installs it for one namespace: in a pod, without any ClusterRole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from hack.demo import setup
from hack.helm import Helm
from hack.helm_chart import CHART
from tests.e2e.arena import Arena, outcome

RELEASE = "devperfops-operator"


def test_installed_for_one_namespace_without_any_cluster_role_it_gates_a_release(
    arena: Arena, tmp_path: Path
) -> None:
    helm = Helm(arena.kube.kubeconfig, arena.namespace, tmp_path / "helm")
    repository, _, tag = arena.images["operator"].rpartition(":")
    values = {
        "namespaces": [arena.namespace],
        "crds": {"install": False},  # the cluster's administrator has
        "image": {"repository": repository, "tag": tag},
        "jmeter": {"image": arena.images["jmeter"]},
    }
    (tmp_path / "values.yaml").write_text(json.dumps(values))
    helm.run("install", RELEASE, str(CHART), "--values", str(tmp_path / "values.yaml"))
    setup.wait_for_deployment(arena.kube, RELEASE, arena.namespace)
    arena.apply_app()
    arena.apply("PerfGate")
    arena.wait_for_gate("adopted", lambda gate: gate["status"].get("knownGood"))

    doctor = devperfops(arena, "doctor", "--pull", "--operator-namespace", arena.namespace)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert doctor.stdout.count("was pulled") == 2

    arena.release("2")
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet")
    bound = [
        subject for each in arena.kube.list("ClusterRoleBinding") for subject in each.get("subjects") or ()
    ]
    assert [
        subject
        for subject in bound
        if subject.get("namespace") == arena.namespace and subject["name"] == RELEASE
    ] == []

    wrong = {"jmeter": {"image": f"{arena.images['jmeter']}-nowhere"}}
    (tmp_path / "wrong.yaml").write_text(json.dumps({**values, **wrong}))
    helm.run("upgrade", RELEASE, str(CHART), "--values", str(tmp_path / "wrong.yaml"))
    doctor = devperfops(arena, "doctor", "--pull", "--operator-namespace", arena.namespace)
    assert doctor.returncode == 1
    assert f"{arena.images['jmeter']}-nowhere cannot be pulled" in doctor.stdout
    helm.run("uninstall", RELEASE)


def devperfops(arena: Arena, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as the cluster's administrator in the arena's namespace."""
    program = Path(sys.executable).with_name("devperfops")
    environment = {**os.environ, "KUBECONFIG": str(arena.kube.kubeconfig)}
    argv = [program, *arguments, "-n", arena.namespace]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
