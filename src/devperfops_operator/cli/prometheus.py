"""How commands that ask a Prometheus are told who they are there, and whom to trust."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from devperfops_operator.api.settings import PrometheusServer
from devperfops_operator.cli.errors import Trouble

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_CREDENTIALS: Final = "--token-file, --user, --ca-file"

Command = Callable[..., int | None]


@dataclass(frozen=True, slots=True)
class Access:
    """As the help of the commands has it."""

    token_file: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    headers: tuple[str, ...] = ()
    ca_file: Path | None = None


def with_access(command: Command) -> Command:
    """Adds the options and hands the command an `access`. It returns its exit code."""

    @click.option("--token-file", type=_FILE, metavar="FILE", help="A bearer token for Prometheus.")
    @click.option("--user", metavar="NAME", help="For Prometheus, with --password-file.")
    @click.option("--password-file", type=_FILE, metavar="FILE", help="Its password.")
    @click.option(
        "--header",
        "headers",
        metavar="NAME=VALUE",
        multiple=True,
        help="For Prometheus, such as a tenant's.",
    )
    @click.option("--ca-file", type=_FILE, metavar="FILE", help="Who vouches for Prometheus.")
    @functools.wraps(command)
    def wrapped(
        *,
        token_file: Path | None,
        user: str | None,
        password_file: Path | None,
        headers: tuple[str, ...],
        ca_file: Path | None,
        **rest: Any,
    ) -> int | None:
        return command(access=Access(token_file, user, password_file, headers, ca_file), **rest)

    return wrapped


def server_at(url: str, access: Access, option: str) -> PrometheusServer:
    """`option`: where the URL was given. Raises Trouble: the two do not go together, or not with it."""
    if (access.user is None) != (access.password_file is None):
        raise Trouble("--user and --password-file belong together: give both, or none.")
    basic = {"username": access.user, "passwordFile": access.password_file}
    asked = {
        "url": url,
        "tokenFile": access.token_file,
        "caFile": access.ca_file,
        "basicAuth": None if access.user is None else basic,
        "headers": dict(map(_header, access.headers)),
    }
    try:
        return PrometheusServer.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        told = first.get("ctx", {}).get("error", first["msg"])
        places = {"url": option, "headers": "--header"}
        raise Trouble(f"{places.get(str(next(iter(first['loc']), '')), _CREDENTIALS)}: {told}.") from error


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise Trouble(f'--header: "{text}" is not NAME=VALUE: write for example X-Scope-OrgID=shop.')
    return name.strip(), value.strip()
