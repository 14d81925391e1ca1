"""Options that the commands of `devperfops quota` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from devperfops_operator.cli.options import Command

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def policy_option(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "-f",
        "--file",
        "files",
        metavar="FILE",
        type=FILE,
        multiple=True,
        required=required,
        help="The QuotaPolicy; QuotaWaivers in it or in further files.",
    )
