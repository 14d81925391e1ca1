"""What is not played unless somebody says so: a test must not change what it did not make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devperfops_operator.scenario.model import Operation
from devperfops_operator.scenario.naming import GAP, words

_DANGEROUS: Final = frozenset(
    {"shutdown", "restart", "reboot", "reset", "purge", "wipe", "truncate", "drop", "destroy"}
    | {"terminate", "kill", "revoke", "panic", "crash", "stop", "suspend", "logout", "signout"}
    | {
        "revoke",
        "unsubscribe",
        "deactivate",
        "disable",
        "uninstall",
        "delete",
        "remove",
        "clear",
        "flush",
        "erase",
    }
)
_CHANGES: Final = frozenset({"PUT", "PATCH", "DELETE"})


def danger(operation: Operation) -> str | None:
    """A word in its path or id that says it ends something; None for a harmless name."""
    static = GAP.sub("", operation.path)
    spoken = [*words(static), *words(operation.operation_id)]
    found = next((word for word in spoken if word in _DANGEROUS), None)
    return None if found is None else f"its name says {found}; include it in an overlay if it is harmless"


def reason_against(operation: Operation, *, ours: Sequence[bool], is_collection: bool) -> str | None:
    """Why it must not be played. `ours`: of each id in its path, whether the plan made that thing."""
    if ours and ours[-1]:
        return None
    if operation.method in _CHANGES:
        return "it changes what the plan did not create"
    if operation.method == "POST" and ours and not is_collection:
        return "it acts on what the plan did not create"
    return danger(operation)
