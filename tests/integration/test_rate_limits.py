"""Rate limits of a mesh, read from a real API server: EnvoyFilters, and the ConfigMap of a rate limit service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.adapters.kubernetes import cluster
from devperfops_operator.cli.app import app
from hack.kube import Kube, kubectl

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples/quota/envoy"
ENVIRONMENTS = ("load-test", "production")
FILTERS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "envoyfilters.networking.istio.io"},
    "spec": {
        "group": "networking.istio.io",
        "scope": "Namespaced",
        "names": {"kind": "EnvoyFilter", "plural": "envoyfilters", "singular": "envoyfilter"},
        "versions": [
            {
                "name": "v1alpha3",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


class Mesh:
    """Two environments as two namespaces of one server, each with a context of its own."""

    def __init__(self, kube: Kube, folder: Path) -> None:
        self.kube = kube
        self.folder = folder
        self.tokens: dict[str, str] = {}

    def install_istio(self) -> None:
        """As much of it as is read."""
        self.kube.apply([FILTERS])
        waiting = [
            "wait",
            "--for=condition=Established",
            "--timeout=30s",
            f"crd/{FILTERS['metadata']['name']}",
        ]
        subprocess.run([kubectl(), f"--kubeconfig={self.kube.kubeconfig}", *waiting], check=True)

    def namespace(self, name: str) -> None:
        self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def install(self, environment: str) -> None:
        """The example's files, the filter twice: the lower holds."""
        told = yaml.safe_load((EXAMPLE / environment / "local.yaml").read_text())
        for name in ("front-end-limit", "front-end-limit-again"):
            told["metadata"] = {"name": name, "namespace": environment}
            self.kube.create(told)
        text = (EXAMPLE / environment / "ratelimit.yaml").read_text()
        metadata = {"name": "ratelimit", "namespace": environment}
        self.kube.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config.yaml": text}}
        )

    def check(self, *arguments: str, **serving: Any) -> Result:
        config = yaml.safe_load(self.kube.kubeconfig.read_text())
        admin = config["users"][0]["user"]
        users = [
            {"name": name, "user": {"token": self.tokens[name]} if name in self.tokens else admin}
            for name in ENVIRONMENTS
        ]
        at = config["clusters"][0]["name"]
        contexts = [{"name": each, "context": {"cluster": at, "user": each}} for each in ENVIRONMENTS]
        kubeconfig = self.folder / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump({**config, "users": users, "contexts": contexts}))
        policy = yaml.safe_load((EXAMPLE / "cluster.yaml").read_text())
        for role, name in zip(("baseline", "serving"), ENVIRONMENTS, strict=True):
            policy["spec"][role]["envoy"]["kubernetes"] = {
                "context": name,
                "namespaces": [name],
                "configMaps": [{"namespace": name, "name": "ratelimit"}],
            }
        policy["spec"]["serving"]["envoy"]["kubernetes"].update(serving)
        file = self.folder / "policy.yaml"
        file.write_text(yaml.safe_dump(policy))
        words = ["quota", "check", "-f", str(file), *arguments]
        return CliRunner().invoke(app, words, env={"KUBECONFIG": str(kubeconfig)})


@pytest.fixture
def mesh(own_kube: Kube, tmp_path: Path) -> Mesh:
    made = Mesh(own_kube, tmp_path)
    for name in ENVIRONMENTS:
        made.namespace(name)
    return made


def test_a_mesh_that_lets_less_through_in_production_blocks(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_istio = mesh.check()
    assert without_istio.exit_code == 2
    assert (
        "leave namespaces out, or local-ratelimit in spec.services: Istio is not there"
        in without_istio.stdout
    )
    assert "there is no ConfigMap ratelimit of production/production" in without_istio.stdout

    mesh.install_istio()
    for name in ENVIRONMENTS:
        mesh.install(name)
    monkeypatch.setattr(cluster, "_PAGE", 1)
    done = mesh.check()
    assert done.exit_code == 1
    assert "load-test has 100/s, production has 60/s" in done.stdout
    assert "raise it to at least 600/min in ConfigMap ratelimit of production/production" in done.stdout
    found = json.loads(mesh.check("-o", "json").stdout)["findings"]
    regressions = {each["metric"] for each in found if each["verdict"] == "Regression"}
    assert regressions == {"rate", "burst", "PATH"}
    assert mesh.check(namespaces=["prodution"]).exit_code == 2, (
        "a namespace that is not there is not unlimited"
    )

    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "ci", "namespace": "production"},
    }
    mesh.kube.create(account)
    mesh.tokens["production"] = mesh.kube.token("ci", "production")
    refused = mesh.check()
    assert refused.exit_code == 2
    assert "Regression" not in refused.stdout
    for manifest in reader("production"):
        mesh.kube.apply([manifest])
    assert mesh.check().exit_code == 1


def reader(namespace: str) -> list[dict[str, Any]]:
    """The rights of the example, for an environment in one namespace."""
    text = (EXAMPLE / "reader.yaml").read_text()
    for name in ("shop", "istio-system"):
        text = text.replace(f"namespace: {name}", f"namespace: {namespace}")
    return list(yaml.safe_load_all(text))
