"""What is written for the node's programs says what the pitfalls of such a host demand."""

import ipaddress
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hack.cluster import node, settings
from hack.cluster.pki import Pki
from hack.cluster.processes import Spec
from hack.cluster.settings import Cache

CACHE = Cache(Path("/cache"))
PKI = Pki(Path("/cache/cluster/pki"))


def written(spec: Spec, name: str) -> str:
    (text,) = (text for path, text in spec.files.items() if path.name == name)
    return text


def test_addresses_nest_and_do_not_overlap() -> None:
    whole = ipaddress.IPv4Network(settings.CLUSTER_RANGE)
    pods, services = ipaddress.IPv4Network(settings.POD_CIDR), ipaddress.IPv4Network(settings.SERVICE_CIDR)
    node_pods = ipaddress.IPv4Network(settings.NODE_POD_CIDR)
    assert pods.subnet_of(whole)
    assert services.subnet_of(whole)
    assert not pods.overlaps(services)
    assert node_pods == next(pods.subnets(new_prefix=24))
    assert ipaddress.IPv4Address(settings.NODE_IP) not in node_pods
    assert ipaddress.IPv4Address(settings.API_SERVICE_IP) == services[1]


def test_the_node_has_an_address_for_each_pod_it_takes() -> None:
    config = json.loads(written(node.kubelet(CACHE, PKI), "kubelet.json"))
    addresses = ipaddress.IPv4Network(settings.NODE_POD_CIDR).num_addresses - 3
    assert 110 <= config["maxPods"] <= addresses


def test_containerd_keeps_to_its_own_folder_and_socket() -> None:
    config = tomllib.loads(written(node.containerd(CACHE.cluster), "containerd.toml"))
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["root"].startswith("/cache/cluster/")
    assert config["state"].startswith("/cache/cluster/run/")
    assert config["grpc"]["address"] == "/cache/cluster/run/containerd.sock"
    assert cri["restrict_oom_score_adj"] is True
    assert cri["netns_mounts_under_state_dir"] is True
    assert cri["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is False


def test_pods_leave_by_no_masquerade() -> None:
    network = json.loads(written(node.containerd(CACHE.cluster), "10-devperfops.conflist"))
    bridge: dict[str, Any] = network["plugins"][0]
    assert bridge["ipMasq"] is False
    assert bridge["hairpinMode"] is True
    assert bridge["ipam"]["ranges"] == [[{"subnet": settings.NODE_POD_CIDR}]]


def test_the_kubelet_speaks_to_that_containerd_and_never_evicts() -> None:
    spec = node.kubelet(CACHE, PKI)
    config = json.loads(written(spec, "kubelet.json"))
    assert config["containerRuntimeEndpoint"] == "unix:///cache/cluster/run/containerd.sock"
    assert "--containerd=/cache/cluster/run/containerd.sock" in spec.argv
    assert set(config["evictionHard"].values()) == {"0%"}
    assert config["failCgroupV1"] is False
    assert config["authentication"]["anonymous"]["enabled"] is False


def test_dns_answers_for_the_cluster_and_forwards_nothing() -> None:
    text = written(node.coredns(CACHE), "Corefile")
    assert f"bind {settings.NODE_IP}" in text
    assert "forward" not in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("program", [node.controller_manager(CACHE, PKI), node.scheduler(CACHE)])
def test_controllers_act_as_their_own_user(program: Spec) -> None:
    assert any(argument.startswith("--kubeconfig=/cache/cluster/etc/") for argument in program.argv)
    assert "--bind-address=127.0.0.1" in program.argv


def test_the_api_server_authorizes_by_role() -> None:
    assert "--authorization-mode=Node,RBAC" in node.apiserver_arguments(PKI)


def test_every_user_has_a_certificate() -> None:
    assert set(node.USERS) <= {certificate.name for certificate in node.CERTIFICATES}
