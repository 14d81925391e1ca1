"""The files of `examples/podinfo`, as they are or with other names and numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Final

from hack.cluster.settings import CHECKOUT
from hack.kube import Object, kustomize

NAMESPACE: Final = "devperfops-demo"
MONITORING: Final = "devperfops-demo-monitoring"
APP: Final = "podinfo"
SLOW: Final = ("--random-delay", "--random-delay-min=2", "--random-delay-max=3", "--random-delay-unit=s")
"""Every answer after 2 s: podinfo draws from [min, max)."""


def podinfo(renamed: Mapping[str, str] | None = None) -> list[Object]:
    """Namespace, app, scenario, gate."""
    return _renamed(kustomize(CHECKOUT / "examples/podinfo"), renamed or {})


def prometheus(renamed: Mapping[str, str] | None = None) -> list[Object]:
    """Prometheus and what it may see."""
    return _renamed(kustomize(CHECKOUT / "examples/podinfo/prometheus"), renamed or {})


def only(objects: Sequence[Object], kind: str) -> Object:
    """The object of that kind."""
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def version(deployment: Object, name: str, *arguments: str) -> Object:
    """The same app as another release: it tells its name, and starts with further arguments."""
    release = copy.deepcopy(deployment)
    container = release["spec"]["template"]["spec"]["containers"][0]
    container["args"] = [each for each in container["args"] if not each.startswith("--ui-message=")]
    container["args"] += [f"--ui-message=version {name}", *arguments]
    return release


def _renamed(objects: list[Object], renamed: Mapping[str, str]) -> list[Object]:
    text = json.dumps(objects)
    for old in sorted(renamed, key=len, reverse=True):
        text = text.replace(old, renamed[old])
    result: list[Object] = json.loads(text)
    return result
