from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster import settings
from hack.demo.errors import DemoFailed
from hack.demo.setup import Choice

LOCAL = str(settings.cache().cluster.kubeconfig)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Choice(None, None, insecure=False)),
        ({"KUBECONFIG": ""}, Choice(None, None, insecure=False)),
        ({"KUBECONFIG": LOCAL}, Choice(None, None, insecure=False)),
        ({"IMAGES": "push", "REGISTRY": "r/t"}, Choice(None, "r/t", insecure=False)),
        ({"KUBECONFIG": "/k", "REGISTRY": "r/t"}, Choice(Path("/k"), "r/t", insecure=False)),
        (
            {"KUBECONFIG": "/k", "IMAGES": "push", "REGISTRY": "r", "REGISTRY_INSECURE": "1"},
            Choice(Path("/k"), "r", insecure=True),
        ),
    ],
)
def test_the_environment_chooses_cluster_and_images(environment: dict[str, str], expected: Choice):
    assert Choice.from_environment(environment) == expected


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KUBECONFIG": "/k"}, "REGISTRY=host/path"),
        ({"IMAGES": "push"}, "REGISTRY=host/path"),
        ({"KUBECONFIG": "/k", "IMAGES": "load"}, "local cluster only"),
        ({"IMAGES": "carry"}, "IMAGES=load or IMAGES=push"),
    ],
)
def test_what_does_not_go_together_is_refused(environment: dict[str, str], said: str):
    with pytest.raises(DemoFailed, match=said):
        Choice.from_environment(environment)
