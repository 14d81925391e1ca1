"""Options that several commands share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import click

from devperfops_operator.api.quantity import QuantityError, parse_duration
from devperfops_operator.cli.cluster import Cluster

Command = Callable[..., int | None]
_PERCENT = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?%")


def on_cluster(command: Command) -> Command:
    """Adds kubectl's options for the cluster and hands the command a `cluster`. It returns its exit code."""

    @click.option("-n", "--namespace", metavar="NS", help="Namespace; default: the context's.")
    @click.option("--context", metavar="NAME", help="Context of the kubeconfig; default: the current one.")
    @click.option("--kubeconfig", metavar="FILE", envvar="KUBECONFIG", help="Default: as kubectl.")
    @functools.wraps(command)
    def wrapped(
        *, namespace: str | None, context: str | None, kubeconfig: str | None, **rest: Any
    ) -> int | None:
        return command(cluster=Cluster.connect(kubeconfig, context, namespace), **rest)

    return wrapped


class Duration(click.ParamType[timedelta]):
    """`90s`, `10m`, `1h30m`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return parse_duration(value)
        except QuantityError as error:
            self.fail(str(error), param, ctx)


class Percent(click.ParamType[Fraction]):
    """`20%`, `0.5%`: above 0 and at most `most` of a hundred."""

    name = "percent"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        share = Fraction(value[:-1]) / 100 if _PERCENT.fullmatch(value) else Fraction(0)
        if not 0 < share <= Fraction(self._most, 100):
            self.fail(
                f'"{value}" is not above 0% and at most {self._most}%: write for example 20%', param, ctx
            )
        return share


def timeout_option(default: str) -> Callable[[Command], Command]:
    return click.option(
        "--timeout",
        type=Duration(),
        default=default,
        show_default=True,
        metavar="D",
        help="How long to wait.",
    )


def invocation() -> str:
    """How the user called us: `devperfops` or `kubectl perfgate`."""
    return click.get_current_context().find_root().info_name or "devperfops"
