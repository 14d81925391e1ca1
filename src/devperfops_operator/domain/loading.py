"""Whether running pods have loaded the ConfigMaps as they are now: until then no test is of this revision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devperfops_operator.domain.observed import Target
from devperfops_operator.domain.revision import Config

_SETTLE = timedelta(seconds=10)
"""What changes a ConfigMap often restarts the pods, too, a moment later."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Pods may have older content. `stuck`: they will not load the new one before they are restarted.

    `until`: when to look again; None: when the Deployment changes.
    """

    message: str
    stuck: bool
    until: datetime | None


def loading(target: Target, now: datetime) -> Loading | None:
    """None: every pod has what is stored, or is still to start."""
    waiting = [config for config in target.configs if config.changed_at is not None]
    if not waiting or not target.rollout.complete:
        return None
    fixed = [config for config in waiting if config.fresh_at is None]
    if not fixed:
        until = max(config.fresh_at for config in waiting if config.fresh_at is not None)
        message = f"{_names(waiting)} changed; the kubelet brings it into running pods until {until:%H:%M:%S}"
        return Loading(f"{message} UTC", stuck=False, until=until)
    changed = max(config.changed_at for config in fixed if config.changed_at is not None)
    message = (
        f"{_names(fixed)} changed, and pods of {target.name} that run since before do not follow: "
        f"{'; '.join(_how(config) for config in fixed)}. Restart them: "
        f"kubectl rollout restart deployment {target.name}"
    )
    settling = now < changed + _SETTLE
    return Loading(message, stuck=not settling, until=changed + _SETTLE if settling else None)


def _names(configs: Iterable[Config]) -> str:
    names = [config.name for config in configs]
    return f"ConfigMap{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _how(config: Config) -> str:
    """`front-end-env: env, envFrom`."""
    return f"{config.name}: {', '.join(config.at_start)}"
