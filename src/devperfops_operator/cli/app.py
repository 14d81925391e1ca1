"""The command group. A command's module is imported when the command is called: `--help` stays fast."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from devperfops_operator.cli.errors import ExitCode

_COMMANDS: Final = {
    "run": "Test a gate's target now and wait for the verdict.",
    "watch": "Follow a gate and its runs as a timeline.",
    "get": "List gates and runs.",
    "describe": "Say what happened to a gate or a run, and why.",
    "report": "Write a run's report.",
    "plan": "Write the test plan that a run's JMeter played.",
    "backtest": "Judge a gate's past runs again, by other objectives.",
    "prove": "Tell what a gate would catch, before any release.",
    "trend": "Tell at which runs a gate's figures changed.",
    "propose": "Propose objectives from a gate's past runs.",
    "cancel": "End a run without a verdict.",
    "override": "Let a revision stand as if it had passed.",
    "doctor": "Check everything gates depend on, and say what to do.",
    "lint": "Check manifests and test plans, offline.",
    "quota": "Compare what load test and production are granted.",
    "slo": "Check whether services' objectives add up to an SLA, offline.",
    "scenario": "Make a test plan from an OpenAPI document.",
    "profile": "Make a load profile from everyday monitoring.",
    "jtl": "Sum up JMeter's result files (JTL, CSV form) of any size.",
}
"""Name and the first sentence of each command's docstring."""


class App(click.Group):
    """Loads commands late, and never ends in a traceback.

    Exit code 0 means that a gate passed and 1 that it failed, so nothing else may end `run` with them.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"devperfops_operator.cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002  click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002
        **extra: Any,
    ) -> NoReturn:
        """Run, then exit."""
        try:
            code = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            code = ExitCode.INTERRUPTED
        except SystemExit:  # our commands return their code: click's and rich's end when nobody reads stdout
            code = ExitCode.UNREAD
        except Exception as error:  # noqa: BLE001  the last resort: a sentence, not a traceback
            code = _defect(error)
        sys.exit(code or 0)


def _defect(error: Exception) -> int:
    if "DEVPERFOPS_DEBUG" in os.environ:
        raise error
    click.echo(
        f"Error: this should not have happened ({type(error).__name__}: {error}). Please report it; "
        "DEVPERFOPS_DEBUG=1 shows where.",
        err=True,
    )
    return ExitCode.ERROR


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="devperfops-operator", message="%(version)s")
def app() -> None:
    """Performance gates: load test every release, judge it, promote it or roll it back.

    A gate (PerfGate) says what a workload must hold under load; a run (PerfRun) is one test of it.
    """
