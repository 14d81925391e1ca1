from __future__ import annotations

import yaml

from hack.cluster.settings import CHECKOUT
from hack.demo import sample

DEPLOYMENT = {
    "kind": "Deployment",
    "spec": {"template": {"spec": {"containers": [{"args": ["--port=9898", "--ui-message=version 1"]}]}}},
}


def test_a_release_tells_its_name_and_leaves_the_original_alone():
    release = sample.version(DEPLOYMENT, "2", *sample.SLOW)
    (container,) = release["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["--port=9898", "--ui-message=version 2", *sample.SLOW]
    assert sample.version(DEPLOYMENT, "1") == DEPLOYMENT


def test_the_shops_regressions_are_those_of_its_folders():
    """Whoever plays them by hand sees what the demo shows."""
    for name, regression in enumerate(sample.SHOP.regressions, 2):
        path = CHECKOUT / f"examples/shop/release-{name}/kustomization.yaml"
        (patch,) = yaml.safe_load(path.read_text())["patches"]
        (change,) = yaml.safe_load(patch["patch"])
        assert change["value"] == ["orders", f"--release={name}", *regression.arguments]
