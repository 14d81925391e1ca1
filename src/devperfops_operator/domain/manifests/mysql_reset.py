"""What the container of `spec.data.mysql` runs: one script of this package, by sh and mysql."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from devperfops_operator.api.data import MySQLReset
from devperfops_operator.domain.manifests.scripted import script_container

SCRIPT: Final = files(__package__).joinpath("mysql_reset.sh").read_text("utf-8")


def mysql_container(reset: MySQLReset) -> dict[str, Any]:
    settings = {"RESET_DATABASE": reset.database, "RESET_DUMP": reset.dump}
    return script_container(SCRIPT, reset, settings)
