"""The files of `examples/podinfo` and `examples/shop`, as they are or with other names and numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hack.cluster.settings import CHECKOUT
from hack.kube import Object, kustomize

NAMESPACE: Final = "devperfops-demo"
MONITORING: Final = "devperfops-demo-monitoring"
APP: Final = "podinfo"
SLOW: Final = ("--random-delay", "--random-delay-min=2", "--random-delay-max=3", "--random-delay-unit=s")
"""Every answer after 2 s: podinfo draws from [min, max)."""


@dataclass(frozen=True)
class Regression:
    """A release that is too slow."""

    arguments: tuple[str, ...]
    does: str
    """What makes it slow."""
    found_within: timedelta
    """Of judged load, until it is found out."""


@dataclass(frozen=True)
class Sample:
    """An example's app, what makes a release of it, and what it says of itself."""

    app: str
    """Of its Deployment, Service and gate."""
    naming: str
    """The argument by which a release is called, up to its name."""
    regressions: tuple[Regression, ...]
    """What its releases from 2 on do, until one is sound again."""
    path: str
    """Where its Service tells the name."""
    field: str
    """The field of the answer that has it."""
    images: tuple[str, ...]
    """Short names of the images it needs."""
    monitoring: str
    """The example's folder of Prometheus."""

    @property
    def last(self) -> str:
        """The release that is sound again."""
        return str(2 + len(self.regressions))


PODINFO: Final = Sample(
    app=APP,
    naming="--ui-message=version ",
    regressions=(Regression(SLOW, "answers after 2 s", timedelta(seconds=20)),),
    path="/api/info",
    field="message",
    images=("podinfo", "prometheus"),
    monitoring="podinfo/prometheus",
)
SHOP: Final = Sample(
    app="orders",
    naming="--release=",
    # Of requests that pile up, the first answers come late.
    regressions=(
        Regression(("--names=each",), "asks name by name", timedelta(seconds=30)),
        Regression(("--payment=locked",), "pays under a lock", timedelta(seconds=30)),
    ),
    path="/readyz",
    field="release",
    images=("shop", "postgres", "prometheus"),
    monitoring="shop/metrics",
)


def podinfo(renamed: Mapping[str, str] | None = None) -> list[Object]:
    """Namespace, app, scenario, gate."""
    return _renamed(kustomize(CHECKOUT / "examples/podinfo"), renamed or {})


def shop() -> list[Object]:
    """Namespace, database, services, gate."""
    return kustomize(CHECKOUT / "examples/shop/base")


def prometheus(renamed: Mapping[str, str] | None = None, sample: Sample = PODINFO) -> list[Object]:
    """Prometheus and what it may see."""
    return _renamed(kustomize(CHECKOUT / "examples" / sample.monitoring), renamed or {})


def only(objects: Sequence[Object], kind: str) -> Object:
    """The object of that kind."""
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def version(deployment: Object, name: str, *arguments: str, sample: Sample = PODINFO) -> Object:
    """The same app as another release: it tells its name, and starts with further arguments."""
    release = copy.deepcopy(deployment)
    container = release["spec"]["template"]["spec"]["containers"][0]
    container["args"] = [each for each in container["args"] if not each.startswith(sample.naming)]
    container["args"] += [f"{sample.naming}{name}", *arguments]
    return release


def _renamed(objects: list[Object], renamed: Mapping[str, str]) -> list[Object]:
    text = json.dumps(objects)
    for old in sorted(renamed, key=len, reverse=True):
        text = text.replace(old, renamed[old])
    result: list[Object] = json.loads(text)
    return result
