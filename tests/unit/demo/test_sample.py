from __future__ import annotations

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
