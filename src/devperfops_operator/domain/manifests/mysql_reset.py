"""What the container of `spec.data.mysql` runs: one script of this package, by sh and mysql."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from devperfops_operator.api.data import MySQLReset
from devperfops_operator.domain.manifests.common import literal

SCRIPT: Final = files(__package__).joinpath("mysql_reset.sh").read_text("utf-8")


def mysql_container(reset: MySQLReset) -> dict[str, Any]:
    """`command` and `env` beyond the team's own. Nothing of it is secret."""
    verify = reset.verify
    own = {
        "RESET_DATABASE": reset.database,
        "RESET_DUMP": reset.dump,
        **({"RESET_QUERY": verify.query, "RESET_EXPECT": verify.expect} if verify is not None else {}),
    }
    return {
        "command": ["sh", "-c", literal(SCRIPT)],
        "env": [
            *(each.to_json() for each in reset.env or ()),
            *({"name": name, "value": literal(value)} for name, value in own.items()),
        ],
    }
