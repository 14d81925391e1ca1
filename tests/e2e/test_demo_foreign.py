"""`make demo` on somebody's own cluster: their kubeconfig, and images by way of a registry."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from hack.demo import sample, setup
from hack.demo.errors import DemoFailed
from hack.demo.setup import Choice
from hack.demo.story import Story
from hack.demo.timeline import Timeline
from hack.kube import Kube, wait_for
from tests.e2e.arena import Arena
from tests.e2e.real_registry import real_registry


@pytest.mark.usefixtures("demo_namespaces")
def test_on_a_cluster_of_ones_own_the_demo_pulls_from_the_registry_and_leaves_other_gates_alone(
    arena: Arena, tmp_path: Path
):
    mine = tmp_path / "kubeconfig"
    shutil.copy(arena.kube.kubeconfig, mine)
    arena.apply("PerfGate")
    with real_registry(tmp_path) as registry:
        choice = Choice.from_environment(
            {
                "KUBECONFIG": str(mine),
                "IMAGES": "push",
                "REGISTRY": f"{registry.address}/team",
                "REGISTRY_INSECURE": "1",
            }
        )
        assert choice.kubeconfig == mine
        kube = setup.start_cluster(choice.kubeconfig)
        images = setup.provide_images(choice)
        setup.remove(kube)
        setup.install_operator(kube, images)
        setup.install_prometheus(kube, images)
        timeline = Timeline(Console(file=io.StringIO()))
        Story(kube, timeline, setup.with_images(sample.podinfo(), images)).adopt()

        assert _doctor(mine, "--pull").stdout.count("was pulled") == 2
        _visit(kube)  # until then the app has counted nothing, and doctor says so
        wait_for("nothing to mend", lambda: _doctor(mine).returncode == 0, seconds=60)
        assert [name for name, image in images.items() if not registry.pulled(image)] == []

        setup.remove(kube)
        with pytest.raises(DemoFailed, match=rf"gates of your own: .*{arena.namespace}/{sample.APP}"):
            setup.uninstall_operator(kube)
    assert kube.find("Namespace", sample.NAMESPACE) is None
    assert arena.gate()["metadata"].get("deletionTimestamp") is None


def _visit(kube: Kube) -> None:
    kube.request(f"/api/v1/namespaces/{sample.NAMESPACE}/services/{sample.APP}:http/proxy/", seconds=30)


def _doctor(kubeconfig: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("devperfops")
    return subprocess.run(
        [program, "doctor", *options, "-n", sample.NAMESPACE, "--operator-namespace", setup.SYSTEM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KUBECONFIG": str(kubeconfig), "COLUMNS": "160"},
    )
