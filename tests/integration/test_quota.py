"""`devperfops quota` on two real API servers: one has the load-test environment, one production."""

from __future__ import annotations

import json
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from devperfops_operator.adapters.kubernetes import cluster, reading
from devperfops_operator.cli.app import app
from hack.kube import Kube, kubectl
from tests.integration.world import status_of

pytestmark = pytest.mark.integration


@dataclass
class Side:
    """A namespace on one of the servers."""

    kube: Kube
    namespace: str
    _nodes: list[str] = field(default_factory=list)

    def apply(self, manifest: dict[str, Any]) -> None:
        manifest["metadata"]["namespace"] = self.namespace
        self.kube.apply([manifest])

    def quota(self, name: str = "shop", used: dict[str, str] | None = None, **hard: str) -> None:
        """As Kubernetes' own controller would leave it, which does not run here."""
        named = {key.replace("_", "."): value for key, value in hard.items()}
        self.apply(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": named}}
        )
        status_of(self.kube, "resourcequota", name, self.namespace, {"hard": named, "used": used or {}})

    def node(self, cpu: str) -> None:
        """It is no namespace's: `remove_nodes` takes it away."""
        name = f"node-{secrets.token_hex(4)}"
        self.kube.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        self._nodes.append(name)
        status_of(self.kube, "node", name, self.namespace, {"allocatable": {"cpu": cpu, "pods": "110"}})

    def remove_nodes(self) -> None:
        for name in self._nodes:
            self.kube.delete("Node", name)

    def token(self) -> str:
        """Of a ServiceAccount that may do nothing yet."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci"}}
        self.apply(account)
        return self.kube.token("ci", self.namespace)


class Pair:
    """Both, behind the two contexts of one kubeconfig."""

    def __init__(self, load_test: Side, production: Side, folder: Path) -> None:
        self.load_test = load_test
        self.production = production
        self._folder = folder
        self.policy: dict[str, Any] = {
            "mode": "Enforce",
            "baseline": self._environment("load-test", load_test),
            "serving": self._environment("production", production),
            "services": [{"name": "resourcequota"}],
        }
        self.contexts = {"load-test": load_test.kube.kubeconfig, "production": production.kube.kubeconfig}
        self.users: dict[str, dict[str, str]] = {}

    def _environment(self, name: str, side: Side) -> dict[str, Any]:
        return {"name": name, "kubernetes": {"context": name, "namespace": side.namespace}}

    def quota(self, *arguments: object) -> Result:
        kubeconfig = self._folder / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(self._kubeconfig()))
        policy = self._folder / "policy.yaml"
        metadata = {"name": "shop"}
        content = {"apiVersion": "devperfops.io/v1alpha1", "kind": "QuotaPolicy", "metadata": metadata}
        policy.write_text(yaml.safe_dump({**content, "spec": self.policy}))
        words = [str(word) for word in (*arguments[:1], "-f", policy, *arguments[1:])]
        return CliRunner().invoke(app, ["quota", *words], env={"KUBECONFIG": str(kubeconfig)})

    def findings(self) -> dict[str, dict[str, Any]]:
        """What is not as it should be, by metric."""
        found = json.loads(self.quota("check", "-o", "json").stdout)["findings"]
        return {each["metric"] or each["service"]: each for each in found if each["verdict"] != "Pass"}

    def _kubeconfig(self) -> dict[str, Any]:
        merged: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [],
            "users": [],
            "contexts": [],
        }
        for name, path in self.contexts.items():
            config = yaml.safe_load(path.read_text())
            merged["clusters"].append({"name": name, "cluster": config["clusters"][0]["cluster"]})
            merged["users"].append({"name": name, "user": self.users.get(name, config["users"][0]["user"])})
            merged["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        return {**merged, "current-context": "load-test"}


@pytest.fixture
def pair(kube: Kube, own_kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Pair]:
    there = f"shop-{secrets.token_hex(4)}"
    own_kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": there}})
    load_test = Side(kube, namespace)
    yield Pair(load_test, Side(own_kube, there), tmp_path)
    load_test.remove_nodes()


def test_a_quota_lower_in_production_blocks_until_its_remedy_is_done(pair: Pair) -> None:
    pair.load_test.quota(requests_cpu="20", requests_memory="64Gi", pods="100")
    pair.production.quota(requests_cpu="12500m", requests_memory="128Gi", used={"requests.memory": "1Gi"})
    done = pair.quota("check")
    assert done.exit_code == 1
    assert "load-test has 20 cores, production has 12.5 cores" in done.stdout
    found = pair.findings()
    assert list(found) == ["requests.cpu"]

    remedy = shlex.split(found["requests.cpu"]["remedy"])
    assert remedy[:5] == ["kubectl", "--context", "production", "-n", pair.production.namespace]
    subprocess.run([kubectl(), f"--kubeconfig={pair._folder / 'kubeconfig'}", *remedy[1:]], check=True)
    assert "changing to 20 cores; the lower counts" in pair.findings()["requests.cpu"]["cause"]
    pair.production.quota(requests_cpu="20", requests_memory="128Gi")
    assert pair.findings() == {}
    assert pair.quota("check").exit_code == 0


def test_no_quota_at_all_is_unlimited(pair: Pair) -> None:
    pair.production.quota(pods="10")
    assert pair.findings()["pods"]["cause"].startswith("load-test is unlimited, production has 10")
    pair.policy["baseline"], pair.policy["serving"] = pair.policy["serving"], pair.policy["baseline"]
    assert pair.findings() == {}


def test_all_pages_are_read(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PAGE", 2)
    for number in range(5):
        pair.load_test.quota(f"q{number}", **{f"count/things{number}": "5"})
        pair.production.quota(f"q{number}", **{f"count/things{number}": str(number)})
    regressions = {name for name, each in pair.findings().items() if each["verdict"] == "Regression"}
    assert regressions == {f"count/things{number}" for number in range(5)}


def test_ranges_autoscalers_and_nodes_are_compared_too(pair: Pair) -> None:
    del pair.policy["services"]
    for side, cpu, most in ((pair.load_test, "4", 20), (pair.production, "2", 10)):
        side.apply(
            {
                "apiVersion": "v1",
                "kind": "LimitRange",
                "metadata": {"name": "containers"},
                "spec": {"limits": [{"type": "Container", "max": {"cpu": cpu}}]},
            }
        )
        side.apply(_deployment("web", "500m"))
        side.apply(_autoscaler("web", most))
        side.node(cpu)
    found = pair.findings()
    assert found["max.cpu"]["verdict"] == "Regression"
    assert found["max.cpu"]["dimensions"] == {"type": "Container"}
    assert found["maxReplicas"]["cause"] == (
        "load-test has 20, production has 10: what was tested may be refused there"
    )
    found = json.loads(pair.quota("check", "-o", "json").stdout)["findings"]
    (need,) = [each for each in found if each["rule"] == "need" and each["verdict"] == "Regression"]
    assert need["cause"] == (
        "5 cores are needed (autoscalers may grow to 10 x Deployment/web); production has 2 cores: "
        "ask for 3 cores more at once: it is needed now (lead time 2 days, assumed)"
    )


def test_what_may_not_be_read_is_an_error_until_the_shipped_role_is_there(pair: Pair) -> None:
    del pair.policy["services"]
    pair.load_test.quota(pods="10")
    pair.production.quota(pods="5")
    pair.users["production"] = {"token": pair.production.token()}
    done = pair.quota("check")
    assert done.exit_code == 2
    assert "Regression" not in done.stdout
    assert 'cannot get resource "namespaces"' in done.stdout

    for manifest in _reader(pair.production.namespace):
        pair.production.kube.apply([manifest])
    assert pair.quota("check").exit_code == 1
    found = pair.findings()
    assert "Error" not in {each["verdict"] for each in found.values()}
    assert found["pods"]["cause"].startswith("load-test has 10, production has 5")


def test_a_namespace_that_is_not_there_is_not_unlimited(pair: Pair) -> None:
    pair.load_test.quota(pods="10")
    pair.policy["serving"]["kubernetes"]["namespace"] = "shpo"
    done = pair.quota("check")
    assert done.exit_code == 2
    assert "production has no namespace shpo" in done.stdout


def test_an_api_server_that_is_away_is_an_error(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PAUSE_SECONDS", 0)
    away = yaml.safe_load(pair.production.kube.kubeconfig.read_text())
    away["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    pair.contexts["production"] = pair._folder / "away"
    pair.contexts["production"].write_text(yaml.safe_dump(away))
    done = pair.quota("check")
    assert done.exit_code == 2
    assert "cannot be reached" in done.stdout
    assert pair.quota("snapshot", pair._folder / "snapshot.json").exit_code == 2
    assert not (pair._folder / "snapshot.json").exists()


def test_a_context_that_is_not_there_is_an_error(pair: Pair) -> None:
    pair.policy["serving"]["kubernetes"]["context"] = "nowhere"
    done = pair.quota("check")
    assert done.exit_code == 2
    assert "context nowhere cannot be used" in done.stdout


def test_a_snapshot_tells_what_is_taken_away_later(pair: Pair) -> None:
    pair.production.quota(pods="10")
    pair.load_test.quota(pods="5", requests_cpu="1")
    snapshot = pair._folder / "snapshot.json"
    assert pair.quota("snapshot", snapshot).exit_code == 0
    pair.production.quota(pods="8", requests_cpu="1")
    found = json.loads(pair.quota("check", "--snapshot", snapshot, "-o", "json").stdout)["findings"]
    drops = {each["metric"]: each["verdict"] for each in found if each["rule"] == "snapshot"}
    assert drops == {"pods": "Regression", "requests.cpu": "Regression"}


def _deployment(name: str, cpu: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _autoscaler(name: str, most: int) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"maxReplicas": most, "scaleTargetRef": target},
    }


def _reader(namespace: str) -> list[dict[str, Any]]:
    """The role of the example, for the ServiceAccount `ci`."""
    text = (Path(__file__).parents[2] / "examples/quota/kubernetes/reader.yaml").read_text()
    return list(yaml.safe_load_all(text.replace("namespace: shop", f"namespace: {namespace}")))
