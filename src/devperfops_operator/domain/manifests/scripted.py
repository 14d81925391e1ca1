"""A container of the team's image that runs one of our scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devperfops_operator.api.data import MySQLReset, PostgresReset
from devperfops_operator.domain.manifests.common import literal


def script_container(
    script: str, reset: MySQLReset | PostgresReset, settings: Mapping[str, str]
) -> dict[str, Any]:
    """`command` and `env` beyond the team's own. Nothing of it is secret."""
    verify = reset.verify
    checks = {"RESET_QUERY": verify.query, "RESET_EXPECT": verify.expect} if verify is not None else {}
    return {
        "command": ["sh", "-c", literal(script)],
        "env": [
            *(each.to_json() for each in reset.env or ()),
            *({"name": name, "value": literal(value)} for name, value in {**settings, **checks}.items()),
        ],
    }
