"""What can go wrong, as a tree.

    DevPerfOpsError              everything of ours
    ├── InvalidSpec              a field of a resource cannot be used as written
    ├── FileMissing              a ConfigMap that a gate names, or a key of it, is not there
    ├── SnapshotTooLarge         a template that does not fit into a ControllerRevision
    ├── InvalidRecord            a kept record of a run that cannot be read
    ├── Refused                  the API server will not do it (403, 422, admission, quota)
    ├── Conflict                 somebody was faster (409, a failed JSON Patch test): observe again
    ├── Unavailable              the other side does not answer now: try again later
    ├── Unauthenticated          a caller that cannot show who it is
    └── LeadershipLost           another operator may decide from now on

A message says what is wrong and what the reader should do about it.
"""

from __future__ import annotations


class DevPerfOpsError(Exception):
    """Base of the tree."""


class InvalidSpec(DevPerfOpsError):
    """A field cannot be used as written. `field` is its path, as in `spec.objectives[0].expect`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class FileMissing(DevPerfOpsError):
    """A ConfigMap that a gate names, or a key of it, is not there."""


class SnapshotTooLarge(DevPerfOpsError):
    """The pod template is too large to be kept as a snapshot."""


class InvalidRecord(DevPerfOpsError):
    """What was kept of a run is damaged, or of a version not known here."""


class Refused(DevPerfOpsError):
    """The API server will not do it; `reason` is its own word (Forbidden, Invalid ...)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Conflict(DevPerfOpsError):
    """Somebody was faster: what we decided on is no longer so."""


class Unavailable(DevPerfOpsError):
    """No answer, or one that says "later"."""


class Unauthenticated(DevPerfOpsError):
    """The caller's token does not prove who it is."""


class LeadershipLost(DevPerfOpsError):
    """Another operator may decide from now on: nothing more may be begun here."""
