"""`devperfops quota` on two real API servers: one has the load-test environment, one production."""

from __future__ import annotations

import json
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from kubernetes.client.exceptions import ApiException

from devperfops_operator.adapters.kubernetes import cluster, reading
from devperfops_operator.cli.app import app
from hack.kube import Kube, kubectl, wait_for
from tests.integration.world import status_of

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples/quota/kubernetes"


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


def test_pods_that_give_way_in_production_block(pair: Pair) -> None:
    name = f"shop-{secrets.token_hex(4)}"
    pair.policy["services"] = [
        {"name": "priorityclass", "metrics": [name]},
        {"name": "priority", "metrics": ["Deployment/web"]},
    ]
    pair.load_test.kube.create(_priority_class(name, 1000))
    pair.load_test.apply(_deployment("web", "1", name))
    pair.production.apply(_deployment("web", "1"))
    done = pair.quota("check")
    assert done.exit_code == 1
    assert f"create {name} in production, at 1,000 or more" in done.stdout
    assert "load-test has 1,000, production has 0: what was tested has to give way there" in done.stdout

    pair.production.kube.create(_priority_class(name, 1000, preemptionPolicy="Never"))
    pair.production.apply(_deployment("web", "1", name))
    waits = json.loads(pair.quota("check", "-o", "json").stdout)["findings"]
    assert {each["verdict"] for each in waits if not each["dimensions"]} == {"Pass"}
    assert [each["verdict"] for each in waits if each["dimensions"] == {"rule": "preemption"}] == [
        "Regression",
        "Regression",
    ]

    pair.production.kube.delete("PriorityClass", name, api_version="scheduling.k8s.io/v1")
    pair.production.kube.create(_priority_class(name, 2000))
    assert pair.quota("check").exit_code == 0
    pair.load_test.kube.delete("PriorityClass", name, api_version="scheduling.k8s.io/v1")


def test_a_quota_for_a_class_is_a_limit_of_its_own(pair: Pair) -> None:
    selected = {"scopeName": "PriorityClass", "operator": "In", "values": ["shop-critical"]}
    for side, pods in ((pair.load_test, "20"), (pair.production, "5")):
        hard = {"pods": pods}
        spec = {"hard": hard, "scopeSelector": {"matchExpressions": [selected]}}
        side.apply(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "critical"}, "spec": spec}
        )
        status_of(side.kube, "resourcequota", "critical", side.namespace, {"hard": hard, "used": {}})
    found = pair.findings()["pods"]
    assert found["dimensions"] == {"scope": "PriorityClass In shop-critical"}
    assert found["cause"].startswith("load-test has 20, production has 5")


def test_what_a_cluster_may_grow_to_is_told_and_blocks_nothing(pair: Pair) -> None:
    pair.policy["services"] = [{"name": "autoscaling"}, *ESTIMATES]
    pair.production.kube.apply([_custom(*each) for each in (KARPENTER, CALICO)])
    for side, most, services in ((pair.load_test, 20, 3), (pair.production, 20, 1)):
        side.apply(_deployment("web", "500m"))
        side.apply(_autoscaler("web", most))
        side.node("4")
        for number in range(services):
            side.apply(_service(f"web-{number}"))
    _until_listed(pair.production.kube, KARPENTER, CALICO)
    pair.production.kube.create(_cluster_object(KARPENTER, {"limits": {"cpu": "2", "memory": "8Gi"}}))
    pair.production.kube.create(_cluster_object(CALICO, {"cidr": "10.0.0.0/29"}))
    pair.load_test.kube.apply([_autoscaler_status(now=datetime.now(UTC), target=1, most=5)])

    done = pair.quota("check", "--all")
    assert done.exit_code == 0, done.stdout
    found = json.loads(pair.quota("check", "-o", "json").stdout)["findings"]
    by = {(each["rule"], each["service"], each["metric"]): each for each in found}
    grown = by["baseline", "nodegrowth", "cpu"]
    assert grown["verdict"] == "Warn"
    assert grown["granted"] == "6"
    assert "1 nodes of production, Karpenter's NodePools default, so it blocks nothing" in grown["cause"]
    assert "cluster-autoscaler's 4 more" in grown["cause"]
    needed = by["need", "nodegrowth", "cpu"]
    assert (needed["verdict"], needed["asked"]) == ("Warn", "10")
    pods = by["need", "podaddresses", "pods"]
    assert (pods["verdict"], pods["asked"], pods["granted"]) == ("Warn", "20", "8")
    addresses = by["baseline", "serviceaddresses", "addresses"]
    assert addresses["verdict"] == "Pass"
    taken = Fraction(addresses["granted"]) - Fraction(addresses["headroom"])
    assert taken == len(pair.production.kube.list("Service")) >= 2  # the API server's own is one

    snapshot = pair._folder / "snapshot.json"
    assert pair.quota("snapshot", snapshot).exit_code == 0
    pair.production.remove_nodes()
    fewer = pair.quota("diff", snapshot)
    assert (fewer.exit_code, "nodegrowth/cpu" in fewer.stdout) == (0, True)
    pair.load_test.kube.delete("ConfigMap", "cluster-autoscaler-status", "kube-system")


def test_what_may_not_be_estimated_is_said_and_blocks_nothing_until_the_role_is_there(pair: Pair) -> None:
    name = f"shop-{secrets.token_hex(4)}"
    named = {"name": "priorityclass", "metrics": [name]}
    pair.policy["services"] = [{"name": "resourcequota"}, *ESTIMATES, named]
    for side in (pair.load_test, pair.production):
        side.quota(pods="10")
        side.kube.create(_priority_class(name, 10))
    production = pair.production
    pair.users["production"] = {"token": production.token()}
    for manifest in _reader(production.namespace):
        if manifest["kind"] not in {"ClusterRole", "ClusterRoleBinding"}:
            production.kube.apply([manifest])
    found = pair.findings()
    assert {service: each["verdict"] for service, each in found.items()} == {
        **{each["name"]: "Warn" for each in ESTIMATES},
        "priorityclass": "Error",
    }
    assert 'cannot get resource "configmaps"' in found["nodegrowth"]["cause"]
    pair.policy["services"].pop()
    assert pair.quota("check").exit_code == 0
    assert pair.quota("snapshot", pair._folder / "snapshot.json").exit_code == 0

    pair.policy["services"].append(named)
    for manifest in _reader(production.namespace, "capacity-reader.yaml"):
        production.kube.apply([manifest])
    found = pair.findings()
    assert {each["rule"] for each in found.values()} <= {"baseline"}
    assert {each["verdict"] for each in found.values()} <= {"Warn"}
    pair.load_test.kube.delete("PriorityClass", name, api_version="scheduling.k8s.io/v1")


def test_a_policy_that_names_no_service_reads_what_it_always_read(pair: Pair) -> None:
    del pair.policy["services"]
    pair.load_test.kube.apply([_autoscaler_status(now=datetime.now(UTC), target=1, most=5)])
    pair.load_test.apply(_deployment("web", "500m", "none-such"))
    pair.production.node("4")
    pair.load_test.quota(pods="10")
    pair.production.quota(pods="10")
    found = json.loads(pair.quota("check", "-o", "json").stdout)["findings"]
    assert {each["service"] for each in found} <= {"resourcequota", "limitrange", "autoscaling", "nodes"}
    pair.load_test.kube.delete("ConfigMap", "cluster-autoscaler-status", "kube-system")


ESTIMATES = [{"name": name} for name in ("nodegrowth", "podaddresses", "serviceaddresses")]
KARPENTER = ("karpenter.sh", "NodePool", "nodepools")
CALICO = ("crd.projectcalico.org", "IPPool", "ippools")


def _custom(group: str, kind: str, plural: str) -> dict[str, Any]:
    """As much of a kind of somebody else's as is needed to keep its objects."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }


def _until_listed(kube: Kube, *customs: tuple[str, str, str]) -> None:
    for group, kind, plural in customs:
        path = f"/apis/{group}/v1/{plural}"
        wait_for(f"{kind} can be listed", lambda path=path: _answers(kube, path), seconds=20)


def _answers(kube: Kube, path: str) -> bool:
    try:
        kube.request(path, seconds=5)
    except ApiException:
        return False
    return True


def _cluster_object(custom: tuple[str, str, str], spec: dict[str, Any]) -> dict[str, Any]:
    group, kind, _ = custom
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "default"}, "spec": spec}


def _autoscaler_status(now: datetime, target: int, most: int) -> dict[str, Any]:
    """As cluster-autoscaler writes it since 1.30."""
    written = f"{now:%Y-%m-%d %H:%M:%S.%f} +0000 UTC"
    health = {"status": "Healthy", "cloudProviderTarget": target, "minSize": 1, "maxSize": most}
    status = {
        "time": written,
        "autoscalerStatus": "Running",
        "nodeGroups": [{"name": "web", "health": health}],
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "cluster-autoscaler-status",
            "namespace": "kube-system",
            "annotations": {"cluster-autoscaler.kubernetes.io/last-updated": written},
        },
        "data": {"status": yaml.safe_dump(status)},
    }


def _service(name: str) -> dict[str, Any]:
    spec = {"ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _priority_class(name: str, value: int, **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        **more,
    }


def _deployment(name: str, cpu: str, priority_class: str | None = None) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}
    named = {"priorityClassName": priority_class} if priority_class else {}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container], **named}}
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


def _reader(namespace: str, file: str = "reader.yaml") -> list[dict[str, Any]]:
    """The roles of an example, for the ServiceAccount `ci`."""
    text = (EXAMPLES / file).read_text()
    return list(yaml.safe_load_all(text.replace("namespace: shop", f"namespace: {namespace}")))
