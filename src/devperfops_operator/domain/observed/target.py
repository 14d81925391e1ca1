"""The Deployment under test, its pods, and the one that serves users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devperfops_operator.domain.manifests.ownership import Ownership
from devperfops_operator.domain.manifests.primary import Selector
from devperfops_operator.domain.manifests.template import Template
from devperfops_operator.domain.observed.problem import Problem
from devperfops_operator.domain.revision import Config


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far the target's own rollout is. `problem`: it will not get there by itself."""

    complete: bool
    message: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The guarded Deployment as stored now. `ready`: all wanted replicas serve, and there are some.

    `ready_replicas`: how many serve.

    `configs`: the ConfigMaps its pods read.
    `ownership`: who set what in the template; None where nobody needs to know, so that it was not read.
    `git_owner`: who puts back what differs from Git, such as `Argo CD application shop`; None: nobody.
    """

    name: str
    uid: str
    generation: int
    template: Template
    revision: str
    template_hash: str
    template_identity: str
    rollout: Rollout
    ready: bool
    ready_replicas: int = 0
    scaled_to_zero: bool = False
    configs: tuple[Config, ...] = ()
    selector: Selector = field(default_factory=dict)
    ownership: Ownership | None = None
    git_owner: str | None = None


@dataclass(frozen=True, slots=True)
class TargetPod:
    """`restarts`: of all its containers. `ended`: how `container` did last: `OOMKilled, exit code 137`."""

    name: str
    restarts: int = 0
    container: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class TargetPods:
    """The pods of the judged revision that are there, as read at one moment.

    `taken_away`: of those that ended without being asked to, why, by name.
    `strangers`: ready pods of anything else that get requests through the `service`, such as
    `front-end-5d9c-x7k2p of ReplicaSet front-end-5d9c`.
    `unread`: why they could not be read, so that nothing is known of them.
    """

    pods: tuple[TargetPod, ...] = ()
    taken_away: Mapping[str, str] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()
    service: str = ""
    unread: str | None = None


@dataclass(frozen=True, slots=True)
class Primary:
    """The Deployment to promote to as stored now. `template_hash`: restarts left out.

    `rollout`: complete also if no pod is wanted.
    """

    name: str
    uid: str
    selector: Selector
    template: Template
    template_hash: str
    rollout: Rollout
