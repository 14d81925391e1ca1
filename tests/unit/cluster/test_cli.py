"""The command's exit code and message tell what to do."""

from pathlib import Path

import pytest

from hack.cluster.cli import main
from hack.cluster.cluster import COMPONENTS


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVPERFOPS_CACHE", str(tmp_path))


def test_status_of_a_stopped_cluster_lists_every_component_and_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(COMPONENTS)
    assert all("not running" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["images", "load"], "give one of pause, podinfo, prometheus"),
        (["images", "load", "nginx"], "no image is called 'nginx'"),
        (["images", "build", "--name", "x"], "--name needs --dockerfile"),
        (["images", "build", "--name", "x", "--dockerfile", "/no/such"], "no Dockerfile at /no/such"),
    ],
)
def test_a_wrong_request_is_answered_with_advice(
    arguments: list[str], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert advice in capsys.readouterr().err
