"""How the operator starts, and what it says when it cannot."""

import json
import logging

import pytest

from devperfops_operator.logs import JsonLines
from devperfops_operator.main import CONFIG_VARIABLE, main

SETTINGS = "operatorUrl: http://operator:8080\nimages: {operator: a, jmeter: b}\n"
LEASE = "leaderElection: {namespace: devperfops}\n"


@pytest.fixture(autouse=True)
def _own_logging():
    """The process's logging, given back afterwards."""
    root, own = logging.getLogger(), logging.getLogger("devperfops_operator")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before[0], before[1], before[2]
    logging.captureWarnings(capture=False)


def said(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_without_settings_it_says_where_it_looked(tmp_path, capsys):
    file = tmp_path / "settings.yaml"

    assert main(["--config", str(file)]) == 2
    [line] = said(capsys)
    assert line["level"] == "error"
    assert line["message"].startswith(f"settings {file}: ")
    assert "No such file" in line["message"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"prot: 8080", "prot: there is no such setting"),
        (b"\xff\xfe", "can't decode"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path, capsys, monkeypatch, content, sentence):
    file = tmp_path / "settings.yaml"
    file.write_bytes(content)
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))

    assert main([]) == 2
    assert sentence in said(capsys)[0]["message"]


def test_without_a_cluster_it_says_what_to_do(tmp_path, capsys, monkeypatch):
    (tmp_path / "settings.yaml").write_text(SETTINGS + LEASE)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))

    assert main(["--config", str(tmp_path / "settings.yaml")]) == 1
    assert "KUBECONFIG" in said(capsys)[-1]["message"]


def test_outside_a_pod_it_asks_where_the_lease_is_to_lie(tmp_path, capsys):
    (tmp_path / "settings.yaml").write_text(SETTINGS)

    assert main(["--config", str(tmp_path / "settings.yaml")]) == 2
    assert "leaderElection.namespace: missing" in said(capsys)[-1]["message"]


def test_wrong_arguments_are_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--confg", "x"])

    assert "--confg" in capsys.readouterr().err


def test_a_log_line_is_one_json_object():
    error = ValueError("first\nsecond")
    record = logging.LogRecord(
        "devperfops_operator.x", logging.ERROR, __file__, 1, "run %s\nü", ("a",), (ValueError, error, None)
    )
    record.created = 1_764_000_000.1234

    text = JsonLines().format(record)

    assert "\n" not in text
    assert (
        json.loads(text).items()
        >= {
            "time": "2025-11-24T16:00:00.123Z",
            "level": "error",
            "logger": "devperfops_operator.x",
            "message": "run a\nü",
        }.items()
    )
    assert json.loads(text)["error"].endswith("ValueError: first\nsecond")
