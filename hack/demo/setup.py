"""What the story needs around it: a cluster, images, CRDs, operator, Prometheus."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from hack.cluster import cluster, imagestore, settings
from hack.cluster.imagestore import Image
from hack.cluster.settings import CHECKOUT
from hack.demo import sample
from hack.demo.errors import DemoFailed
from hack.demo.sample import PODINFO, Sample
from hack.kube import FIELD_MANAGER, Kube, Object, condition, kustomize, rolled_out, wait_for

SYSTEM: Final = "devperfops-system"
OPERATOR: Final = "devperfops-operator"
GATES: Final = "perfgates.devperfops.io"
_OVERLAY: Final = CHECKOUT / "build/demo/operator"
_OPERATORS: Final = f"app.kubernetes.io/name={OPERATOR}"
_ANSWER_SECONDS: Final = 15
_READY_SECONDS: Final = 180
_GONE_SECONDS: Final = 180

Images = Mapping[str, str]
"""Short name of an image -> its full name in the cluster."""


@dataclass(frozen=True)
class Choice:
    """Which cluster, and how images get there: from the environment."""

    kubeconfig: Path | None
    registry: str | None
    insecure: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Choice:
        """KUBECONFIG, IMAGES=load|push, REGISTRY, REGISTRY_INSECURE.

        Raises:
            DemoFailed: they do not go together.
        """
        kubeconfig = chosen_cluster(environment)
        way = environment.get("IMAGES") or ("push" if kubeconfig else "load")
        registry = environment.get("REGISTRY") or None
        if way not in {"load", "push"}:
            raise DemoFailed(f"IMAGES={way}: write IMAGES=load or IMAGES=push")
        if way == "load" and kubeconfig:
            raise DemoFailed("IMAGES=load reaches the local cluster only: use IMAGES=push REGISTRY=host/path")
        if way == "push" and not registry:
            raise DemoFailed(
                "the images have to be pushed where your cluster can pull them: say REGISTRY=host/path, "
                "with REGISTRY_INSECURE=1 if it has no TLS (or unset KUBECONFIG, and the demo brings "
                "a cluster of its own)"
            )
        return cls(
            kubeconfig=kubeconfig,
            registry=registry if way == "push" else None,
            insecure=environment.get("REGISTRY_INSECURE") == "1",
        )


def chosen_cluster(environment: Mapping[str, str]) -> Path | None:
    """The user's KUBECONFIG; None: the local cluster."""
    path = environment.get("KUBECONFIG")
    if not path or Path(path) == settings.cache().cluster.kubeconfig:  # as the demo tells people to set it
        return None
    return Path(path)


def start_cluster(kubeconfig: Path | None) -> Kube:
    """The user's cluster, or ours.

    Raises:
        DemoFailed: the user's does not answer.
    """
    if kubeconfig is None:
        return Kube(cluster.up(settings.cache()))
    kube = Kube(kubeconfig)
    try:
        kube.request("/version", seconds=_ANSWER_SECONDS)
    except (ConfigException, ApiException, HTTPError) as error:
        why = getattr(error, "reason", None) or error
        raise DemoFailed(
            f"the cluster of KUBECONFIG={kubeconfig} cannot be asked ({why}): "
            "correct it, or unset it and the demo brings a cluster of its own"
        ) from None
    return kube


def refuse_other_operators(kube: Kube) -> None:
    """The demo would give an operator that is at work other settings, and take its CRDs away at the end.

    Raises:
        DemoFailed: the cluster has an operator that the demo did not install.
    """
    theirs = [each["metadata"] for each in kube.list("Deployment", selector=_OPERATORS) if not _ours(each)]
    if theirs:
        names = ", ".join(f"{each['namespace']}/{each['name']}" for each in theirs)
        raise DemoFailed(
            f"this cluster has an operator that is not the demo's ({names}): use another cluster"
        )


def _ours(applied: Object) -> bool:
    managers = applied["metadata"].get("managedFields", [])
    return any(each.get("manager") == FIELD_MANAGER for each in managers)


def provide_images(choice: Choice, wanted: Iterable[str] = PODINFO.images) -> Images:
    """Build what has changed of the operator's images and those `wanted`, and bring it to the cluster."""
    cache = settings.cache()
    found = {}
    for name in ("operator", "jmeter", *wanted):
        image = image_of(name)
        if choice.registry:
            pushed = _named_by_content(image)  # a node asks only once for what a name means
            found[name] = imagestore.push(cache, pushed, choice.registry, verify=not choice.insecure)
        else:
            imagestore.load(cache, image)
            found[name] = image.name
    return found


def image_of(name: str) -> Image:
    """By its short name. A change of ours is an image of another name."""
    deploy = CHECKOUT / "deploy/images"
    shop = CHECKOUT / "examples/shop/image"
    places = {
        "operator": (deploy / "operator/Dockerfile", CHECKOUT),
        "jmeter": (deploy / "jmeter/Dockerfile", deploy / "jmeter"),
        "shop": (shop / "Dockerfile", shop),
    }
    if name not in places:
        return imagestore.known(settings.cache(), name)
    return _named_by_content(imagestore.described(f"devperfops/{name}:dev", *places[name], ()))


def _named_by_content(image: Image) -> Image:
    """The tag is the hash of what the image is built from."""
    return replace(image, name=f"{image.name.rpartition(':')[0]}:{image.key}")


def remove(kube: Kube) -> None:
    """Delete the demo's own namespaces and wait until they are gone."""
    for namespace in (sample.NAMESPACE, sample.MONITORING):
        kube.delete("Namespace", namespace)
    for namespace in (sample.NAMESPACE, sample.MONITORING):
        wait_for(f"namespace {namespace} is gone", partial(_gone, kube, namespace), seconds=_GONE_SECONDS)


def install_operator(kube: Kube, found: Images) -> None:
    """CRDs and operator, as the kustomize base has them, with this demo's settings and images."""
    install(kube, kustomize(overlay(found)))
    wait_for_deployment(kube, OPERATOR, SYSTEM)


def install(kube: Kube, objects: Iterable[Object]) -> None:
    """Apply objects; what CRDs among them define can be used afterwards."""
    applied = list(objects)
    kube.apply(applied)
    for each in applied:
        if each["kind"] == "CustomResourceDefinition":
            established: Callable[[], bool] = partial(_established, kube, each["metadata"]["name"])
            wait_for(f"{each['metadata']['name']} is established", established, seconds=30)


def uninstall_operator(kube: Kube) -> None:
    """Delete everything `install_operator` made, CRDs included.

    Raises:
        DemoFailed: there are gates besides the demo's, which would go with their CRD.
    """
    gates = kube.list("PerfGate") if kube.find("CustomResourceDefinition", GATES) else []
    if gates:
        names = ", ".join(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in gates)
        raise DemoFailed(f"the operator and its CRDs stay, because there are gates of your own: {names}")
    for each in reversed(kustomize(CHECKOUT / "deploy/kustomize/base")):
        metadata = each["metadata"]
        kube.delete(each["kind"], metadata["name"], metadata.get("namespace"), each["apiVersion"])
    wait_for(f"namespace {SYSTEM} is gone", partial(_gone, kube, SYSTEM), seconds=_GONE_SECONDS)


def install_prometheus(kube: Kube, found: Images, played: Sample = PODINFO) -> None:
    """The namespaces and the Prometheus that watches the sample's pods."""
    objects = with_images(sample.prometheus(sample=played), found)
    kube.apply(each for each in sample.podinfo() if each["kind"] == "Namespace")
    kube.apply(objects)
    wait_for_deployment(kube, "prometheus", sample.MONITORING)


def wait_for_deployment(kube: Kube, name: str, namespace: str) -> None:
    """Return when it is rolled out.

    Raises:
        NotInTime: it is not within three minutes.
    """
    wait_for(
        f"Deployment {namespace}/{name} is rolled out",
        lambda: rolled_out(kube.get("Deployment", name, namespace)),
        seconds=_READY_SECONDS,
    )


def with_images(objects: list[Object], found: Images) -> list[Object]:
    """The sample's objects with the images of this cluster."""
    for each in objects:
        if each["kind"] in {"Deployment", "Job"}:
            for container in each["spec"]["template"]["spec"]["containers"]:
                container["image"] = found[container["name"]]
        if each["kind"] == "PerfGate" and "data" in each["spec"]:
            each["spec"]["data"]["postgres"]["image"] = found["postgres"]
    return objects


def overlay(found: Images) -> Path:
    """Write the kustomization of this installation: the base, with settings and images of its own."""
    shutil.rmtree(_OVERLAY, ignore_errors=True)
    _OVERLAY.mkdir(parents=True)
    name, _, tag = found["operator"].rpartition(":")
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(CHECKOUT / "deploy/kustomize/base", _OVERLAY)],
        "configMapGenerator": [
            {
                "name": "devperfops-settings",
                "namespace": SYSTEM,
                "behavior": "replace",
                "files": ["settings.yaml"],
            }
        ],
        "images": [{"name": "devperfops/operator", "newName": name, "newTag": tag}],
    }
    (_OVERLAY / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))
    (_OVERLAY / "settings.yaml").write_text(yaml.safe_dump(_settings(found), sort_keys=False))
    return _OVERLAY


def _settings(found: Images) -> Object:
    return {
        "operatorUrl": f"http://{OPERATOR}.{SYSTEM}.svc:8080",
        "images": {"operator": found["operator"], "jmeter": found["jmeter"]},
        "namespaces": [sample.NAMESPACE],
        "prometheus": {
            "demo": {"url": f"http://prometheus.{sample.MONITORING}.svc:9090", "scrapeInterval": "5s"}
        },
    }


def _gone(kube: Kube, namespace: str) -> bool:
    return kube.find("Namespace", namespace) is None


def _established(kube: Kube, crd: str) -> bool:
    found = kube.get("CustomResourceDefinition", crd)
    return condition(found, "Established").get("status") == "True"
