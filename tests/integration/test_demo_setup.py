"""What `make demo` asks of a cluster that is not ours before it touches it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hack.demo import setup
from hack.demo.errors import DemoFailed
from hack.install_yaml import TARGET
from hack.kube import Kube
from tests.integration.world import changed_kubeconfig

pytestmark = pytest.mark.integration

OBJECTS = list(yaml.safe_load_all(TARGET.read_text()))


def test_an_operator_of_others_is_left_alone(own_kube: Kube):
    setup.refuse_other_operators(own_kube)
    for each in OBJECTS:
        if each["kind"] in {"Namespace", "Deployment"}:
            own_kube.create(each)
    with pytest.raises(DemoFailed, match=r"not the demo's \(devperfops-system/devperfops-operator"):
        setup.refuse_other_operators(own_kube)


def test_the_demos_own_operator_is_no_obstacle(own_kube: Kube):
    own_kube.apply(each for each in OBJECTS if each["kind"] in {"Namespace", "Deployment"})
    setup.refuse_other_operators(own_kube)


def test_a_cluster_that_cannot_be_asked_is_told_before_anything_is_built(own_kube: Kube, tmp_path: Path):
    with pytest.raises(DemoFailed, match=r"KUBECONFIG=\S+/nothing cannot be asked .*unset it"):
        setup.start_cluster(tmp_path / "nothing")
    gone = changed_kubeconfig(own_kube.kubeconfig, tmp_path, cluster={"server": "https://127.0.0.1:1"})
    with pytest.raises(DemoFailed, match="refused"):
        setup.start_cluster(Path(gone))
    assert setup.start_cluster(own_kube.kubeconfig).list("Deployment") == []
