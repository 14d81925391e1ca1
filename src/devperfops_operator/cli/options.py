"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from devperfops_operator.api.quantity import QuantityError, parse_duration
from devperfops_operator.cli.cluster import Cluster

Command = Callable[..., int | None]


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
