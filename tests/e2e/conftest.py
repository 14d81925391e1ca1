from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from hack.cluster import cluster, settings
from hack.cluster.locks import exclusive
from hack.cluster.settings import CHECKOUT
from hack.demo import setup
from hack.demo.setup import Choice, Images
from hack.kube import Kube, kustomize, wait_for
from tests.conftest import require_layer
from tests.e2e.arena import Arena


@dataclass(frozen=True)
class World:
    """The local cluster with our CRDs and the operator's role, and the images it has."""

    kube: Kube
    images: Images


@pytest.fixture(scope="session")
def world() -> World:
    """Set up by the first test process, found by the others."""
    require_layer("e2e", _problem())
    cache = settings.cache()
    with exclusive(cache.root / "e2e.lock", "another test process sets the cluster up"):
        kube = Kube(cluster.up(cache))
        images = setup.provide_images(Choice(kubeconfig=None, registry=None, insecure=False))
        base = kustomize(CHECKOUT / "deploy/kustomize/base")
        setup.install(kube, (o for o in base if o["kind"] in {"CustomResourceDefinition", "ClusterRole"}))
    return World(kube, images)


@pytest.fixture
def demo_namespaces(world: World) -> Iterator[None]:
    """The demo's own namespaces, for one test at a time; gone afterwards."""
    with exclusive(settings.cache().root / "demo.lock", "another test plays the demo"):
        yield
        setup.remove(world.kube)
        world.kube.delete("Namespace", setup.SYSTEM)
        wait_for(
            f"namespace {setup.SYSTEM} is gone",
            lambda: world.kube.find("Namespace", setup.SYSTEM) is None,
            seconds=120,
        )


@pytest.fixture
def arena(request: pytest.FixtureRequest, world: World) -> Iterator[Arena]:
    """A namespace for one test; what happened in it stays in build/e2e."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    folder = CHECKOUT / "build/e2e" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "operator.log").unlink(missing_ok=True)
    name = f"e2e-{slug.removeprefix('test-')[:40].rstrip('-')}-{secrets.token_hex(3)}"
    arena = Arena(world.kube, name, folder, world.images)
    arena.open()
    try:
        yield arena
    finally:
        _keep(arena, folder)
        arena.operator.stop()
        world.kube.delete(
            "ClusterRoleBinding", f"devperfops-{arena.namespace}", None, "rbac.authorization.k8s.io/v1"
        )
        world.kube.delete("Namespace", arena.namespace)


def _problem() -> str | None:
    """Why this machine cannot have the local cluster."""
    if sys.platform != "linux":
        return f"the local cluster needs Linux, this is {sys.platform}"
    return None if os.geteuid() == 0 else "the local cluster needs root"


def _keep(arena: Arena, folder: Path) -> None:
    """The world's state at the end of the test, for whoever reads why it failed."""
    for kind in ("PerfGate", "PerfRun", "Deployment", "Job", "Pod", "Event", "ControllerRevision"):
        found = arena.kube.list(kind, arena.namespace)
        for each in found:
            each["metadata"].pop("managedFields", None)
        (folder / f"{kind.lower()}s.yaml").write_text(yaml.safe_dump_all(found))
    for pod in arena.kube.list("Pod", arena.namespace, "devperfops.io/run"):
        for container in ("agent", "prepare", "jmeter"):
            path = folder / f"{pod['metadata']['name']}.{container}.log"
            path.write_text(arena.kube.logs(pod, container))
