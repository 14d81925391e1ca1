"""What `make demo` promises, with the operator as it is deployed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from hack.demo import report, setup
from hack.demo.sample import podinfo
from hack.demo.story import Story
from hack.demo.timeline import Timeline
from tests.e2e.conftest import World


@pytest.mark.usefixtures("demo_namespaces")
def test_the_demo_tells_the_truth(world: World, tmp_path: Path):
    """Adopted; sound: Pass; slow: Fail within seconds, rolled back; sound: Pass. The story asserts each."""
    kube, images = world.kube, world.images
    setup.remove(kube)
    setup.install_operator(kube, images)
    setup.install_prometheus(kube, images)
    heard = io.StringIO()
    runs = Story(kube, Timeline(Console(file=heard, width=160)), setup.with_images(podinfo(), images)).tell()
    files = report.write(kube, runs, tmp_path)
    assert [run["status"]["verdict"] for run in runs] == ["Pass", "Fail", "Pass"]
    assert all(
        run["metadata"]["name"] in path.read_text() for run, path in zip(runs, files[::2], strict=True)
    )
    assert "rolled out again" in heard.getvalue()
