"""What a reset of data stills and replaces."""

from __future__ import annotations

from dataclasses import dataclass

from devperfops_operator.api.data import WorkloadKind
from devperfops_operator.api.perfrun import ClaimStatus


@dataclass(frozen=True, slots=True)
class SeenWorkload:
    """A workload that the gate's reset scales to zero, as stored now.

    `version`: of the object, so that nothing is scaled by what was. `pods`: how many there are, those that
    are just ending included. `ready`: all wanted replicas serve. `drops_claims`: with each pod it no longer
    wants it deletes that one's volumes.
    `missing`: there is none of that name. `unread`: why that is not known.
    """

    kind: WorkloadKind
    name: str
    version: str = ""
    replicas: int = 0
    pods: int = 0
    ready: bool = False
    may_be_reset: bool = False
    drops_claims: bool = False
    missing: bool = False
    unread: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class SeenClaim:
    """The PersistentVolumeClaim that the gate's reset replaces. `users`: pods that may write to it.

    `snapshot`: the VolumeSnapshot it was made from; empty: none. `as_status`: what the next one is to be.
    """

    uid: str
    may_be_reset: bool
    deleting: bool
    bound: bool
    snapshot: str
    as_status: ClaimStatus
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenVolume:
    """`claim`: None: there is none. `snapshot_problem`: why nothing can be made from the snapshot (yet).

    `unread`: why the rest is not known.
    """

    claim: SeenClaim | None = None
    snapshot_problem: str | None = None
    unread: str | None = None
