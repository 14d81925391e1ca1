"""The command group: what it imports, how it ends, what it says about what went wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from devperfops_operator.cli.app import _COMMANDS, App, app
from devperfops_operator.cli.errors import Trouble


def _modules_after(*arguments: str) -> set[str]:
    """What a fresh process has imported after this command."""
    script = (
        "import sys\n"
        "from devperfops_operator.cli import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit:\n    print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.splitlines())


def test_help_imports_neither_the_kubernetes_client_nor_the_resources():
    modules = _modules_after("--help")
    assert "devperfops_operator.cli.app" in modules
    assert not {"kubernetes", "pydantic", "rich"} & modules


def test_lint_does_not_import_the_kubernetes_client(tmp_path):
    file = tmp_path / "service.yaml"
    file.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")
    modules = _modules_after("lint", str(file))
    assert "devperfops_operator.api.lint" in modules
    assert "kubernetes" not in modules


def test_the_overview_says_what_each_command_says_of_itself():
    context = click.Context(app)
    for name, sentence in _COMMANDS.items():
        command = app.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert str(command.help).startswith(f"{sentence}\n")


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_every_command_explains_itself(name):
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0
    assert f"Usage: app {name}" in done.stdout.replace("root", "app")


@pytest.mark.parametrize(
    "arguments", [["nope"], ["get", "--nope"], ["run"], ["run", "g", "--timeout", "5"], []]
)
def test_usage_errors_end_with_2_on_stderr(arguments):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Usage:" in done.stderr


def _app_that(raises: BaseException) -> App:
    def command() -> None:
        raise raises

    group = App("devperfops")
    group.get_command = lambda _ctx, name: click.Command(name, callback=command)  # type: ignore[method-assign]
    return group


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (Trouble("no such gate."), 2, "Error: no such gate.\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (ZeroDivisionError("division by zero"), 2, "Error: this should not have happened (ZeroDivisionError"),
    ],
)
def test_nothing_ends_in_a_traceback_or_with_the_code_of_a_failed_gate(raised, code, said, monkeypatch):
    monkeypatch.delenv("DEVPERFOPS_DEBUG", raising=False)
    done = CliRunner().invoke(_app_that(raised), ["get"])
    assert done.exit_code == code
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.output


def test_a_defect_can_be_looked_into(monkeypatch):
    monkeypatch.setenv("DEVPERFOPS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        _app_that(ZeroDivisionError()).main(["get"])


def test_a_reader_that_leaves_ends_it_as_sigpipe_would():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "devperfops_operator.cli", "--help"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No configuration found"),
        ("", "Invalid kube-config"),
        ("apiVersion: v1\nkind: Config\n", "Expected key current-context"),
        ("a: b: c", "mapping values are not allowed"),
        ("- 1\n", "kubeconfig"),
    ],
)
def test_an_unusable_kubeconfig_is_said_in_a_sentence(tmp_path, content, said):
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    done = CliRunner().invoke(app, ["get", "--kubeconfig", str(file)])
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Set KUBECONFIG" in done.stderr
    assert done.stderr.count("\n") == 1


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: there
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: there, context: {cluster: c, user: u, namespace: shop}}]
users: [{name: u, user: {token: t}}]
"""


def test_a_cluster_that_does_not_answer_is_said_in_a_sentence(tmp_path):
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    done = CliRunner().invoke(app, ["get"], env={"KUBECONFIG": str(file)})
    assert done.exit_code == 2
    assert done.stderr == (
        "Error: the Kubernetes API at http://127.0.0.1:1 does not answer (connection refused). "
        "Is the cluster running, and is it the one this kubeconfig's context means?\n"
    )


def test_an_unknown_context_is_said_in_a_sentence(tmp_path):
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    done = CliRunner().invoke(app, ["get", "--kubeconfig", str(file), "--context", "nowhere"])
    assert done.exit_code == 2
    assert "nowhere" in done.stderr
    assert done.stderr.count("\n") == 1
