"""What the container of `spec.data.postgres` runs: one script of this package, by sh and psql."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from devperfops_operator.api.data import PostgresReset
from devperfops_operator.domain.manifests.scripted import script_container

SCRIPT: Final = files(__package__).joinpath("postgres_reset.sh").read_text("utf-8")


def postgres_container(reset: PostgresReset) -> dict[str, Any]:
    settings = {"RESET_DATABASE": reset.database, "RESET_TEMPLATE": reset.template}
    return script_container(SCRIPT, reset, settings)
