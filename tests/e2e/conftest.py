from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import cluster, imagestore, settings
from hack.cluster.locks import exclusive
from hack.cluster.settings import CHECKOUT
from hack.demo import setup
from hack.demo.setup import Images
from hack.kube import Kube, kustomize
from tests.conftest import require_layer
from tests.e2e.arena import Arena


@pytest.fixture(scope="session")
def kube() -> Kube:
    """The local cluster with our CRDs and the operator's role. Its operator, if the demo left one, minds other namespaces."""
    require_layer("e2e", _problem())
    cache = settings.cache()
    with exclusive(cache.root / "e2e.lock", "another test process sets the cluster up"):
        found = Kube(cluster.up(cache))
        for image in setup.all_images().values():
            imagestore.load(cache, image)
        kinds = {"CustomResourceDefinition", "ClusterRole"}
        setup.install(
            found, (each for each in kustomize(CHECKOUT / "deploy/kustomize/base") if each["kind"] in kinds)
        )
    return found


@pytest.fixture(scope="session")
def images() -> Images:
    return {name: image.name for name, image in setup.all_images().items()}


@pytest.fixture
def arena(request: pytest.FixtureRequest, kube: Kube, images: Images) -> Iterator[Arena]:
    """A namespace for one test; what happened in it stays in build/e2e."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    folder = CHECKOUT / "build/e2e" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "operator.log").unlink(missing_ok=True)
    arena = Arena(kube, f"e2e-{slug[:40].rstrip('-')}-{secrets.token_hex(3)}", folder, images)
    arena.open()
    try:
        yield arena
    finally:
        _keep(arena, folder)
        arena.operator.stop()
        kube.delete(
            "ClusterRoleBinding", f"devperfops-{arena.namespace}", None, "rbac.authorization.k8s.io/v1"
        )
        kube.delete("Namespace", arena.namespace)


def _problem() -> str | None:
    """Why this machine cannot have the local cluster."""
    if sys.platform != "linux":
        return f"the local cluster needs Linux, this is {sys.platform}"
    return None if os.geteuid() == 0 else "the local cluster needs root"


def _keep(arena: Arena, folder: Path) -> None:
    """The world's state at the end of the test, for whoever reads why it failed."""
    for kind in ("PerfGate", "PerfRun", "Job", "Pod", "Event", "ControllerRevision"):
        lines = [repr(each) for each in arena.kube.list(kind, arena.namespace)]
        (folder / f"{kind.lower()}s.txt").write_text("\n".join(lines))
