"""`spec.patience` of a gate: how long a verdict waits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api import rules
from devperfops_operator.api.base import ApiModel


class Patience(ApiModel):
    """How long is waited for what may still come before a verdict. Durations as in `90s`, `10m`."""

    fail_after: Annotated[str | None, Field(max_length=16), rules.DURATION] = None
    """How long samples must have come before a Fail; by default 2m, or a fifth of a shorter test.

    Less, and a slow start or one long stall may fail a release. Where nearly everything is bad nothing waits.
    """
    pass_after: Annotated[str | None, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO] = None
    """How long before a Pass that ends the load; by default 5m. As long as the load: no Pass before its end.

    Less, and what happens every few minutes may be missed.
    """
