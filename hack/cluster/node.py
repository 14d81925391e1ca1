"""What makes the node: containerd, kubelet, kube-proxy, CoreDNS, controller manager and scheduler.

Pure: each function returns how one process is to run, configuration files included.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from hack.cluster import builds, settings
from hack.cluster.pki import Certificate, Pki
from hack.cluster.processes import Spec
from hack.cluster.settings import NODE_IP, NODE_NAME, Cache, Cluster

COREDNS_READY: Final = "127.0.0.1:18082"
_COREDNS_HEALTH: Final = "127.0.0.1:18081"
_GIVE_EVERYTHING: Final = (
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
)

CERTIFICATES: Final = (
    Certificate("apiserver-kubelet", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
    Certificate("front-proxy", "/CN=front-proxy-client", authority="front-proxy-ca"),
    Certificate("kubelet-server", f"/CN={NODE_NAME}", "serverAuth", (f"DNS:{NODE_NAME}", f"IP:{NODE_IP}")),
    Certificate("kubelet", f"/O=system:nodes/CN=system:node:{NODE_NAME}"),
    Certificate("controller-manager", "/CN=system:kube-controller-manager"),
    Certificate("scheduler", "/CN=system:kube-scheduler"),
    Certificate("proxy", "/CN=system:kube-proxy"),
    Certificate("coredns", "/CN=coredns"),
)
USERS: Final = ("kubelet", "controller-manager", "scheduler", "proxy", "coredns")
"""Those of them that get a kubeconfig."""

COREDNS_RULES: Final[list[dict[str, Any]]] = [
    {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]


def user_kubeconfig(cluster: Cluster, user: str) -> Path:
    """The kubeconfig of one of `USERS`."""
    return cluster.etc / f"{user}.kubeconfig"


def apiserver_arguments(pki: Pki) -> tuple[str, ...]:
    """What kube-apiserver needs beyond an API-only one: to authorize a node and to reach its kubelet."""
    return (
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-client-certificate={pki.certificate('apiserver-kubelet')}",
        f"--kubelet-client-key={pki.key('apiserver-kubelet')}",
        f"--kubelet-certificate-authority={pki.ca}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki.certificate('front-proxy-ca')}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki.certificate('front-proxy')}",
        f"--proxy-client-key-file={pki.key('front-proxy')}",
    )


def containerd(cluster: Cluster) -> Spec:
    """containerd of our own root, state and socket, with the bridge network's description."""
    config, cni = cluster.etc / "containerd.toml", cluster.etc / "cni"
    files = {config: _containerd_config(cluster, cni), cni / "10-devperfops.conflist": _cni_config(cluster)}
    return Spec("containerd", ("containerd", f"--config={config}", "--log-level=warn"), files)


def controller_manager(cache: Cache, pki: Pki) -> Spec:
    """The controllers, each under its own ServiceAccount's rights."""
    config = user_kubeconfig(cache.cluster, "controller-manager")
    return _kubernetes(
        cache,
        "kube-controller-manager",
        *_as_user(config),
        "--use-service-account-credentials=true",
        f"--root-ca-file={pki.ca}",
        f"--service-account-private-key-file={pki.tokens}",
        f"--cluster-signing-cert-file={pki.ca}",
        f"--cluster-signing-key-file={pki.key('ca')}",
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={settings.POD_CIDR}",
        "--node-cidr-mask-size=24",
        f"--service-cluster-ip-range={settings.SERVICE_CIDR}",
    )


def scheduler(cache: Cache) -> Spec:
    """The scheduler."""
    return _kubernetes(cache, "kube-scheduler", *_as_user(user_kubeconfig(cache.cluster, "scheduler")))


def kubelet(cache: Cache, pki: Pki) -> Spec:
    """The node's agent. `--containerd` is for its metrics: without it they have no container label."""
    cluster = cache.cluster
    config, resolv = cluster.etc / "kubelet.json", cluster.etc / "resolv.conf"
    return _kubernetes(
        cache,
        "kubelet",
        f"--config={config}",
        f"--kubeconfig={user_kubeconfig(cluster, 'kubelet')}",
        f"--root-dir={cluster.lib / 'kubelet'}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_IP}",
        f"--containerd={cluster.socket}",
        files={config: _json(_kubelet_config(cluster, pki, resolv)), resolv: f"nameserver {NODE_IP}\n"},
    )


def proxy(cache: Cache) -> Spec:
    """Services, by nftables."""
    config = cache.cluster.etc / "kube-proxy.json"
    return _kubernetes(
        cache, "kube-proxy", f"--config={config}", files={config: _json(_proxy_config(cache.cluster))}
    )


def coredns(cache: Cache) -> Spec:
    """DNS of the cluster's names only: what is outside does not resolve."""
    config = cache.cluster.etc / "Corefile"
    argv = (str(builds.executable(cache, builds.COREDNS)), "-conf", str(config))
    return Spec("coredns", argv, {config: _corefile(cache.cluster)})


def _kubernetes(cache: Cache, name: str, *arguments: str, files: dict[Path, str] | None = None) -> Spec:
    return Spec(name, (str(builds.executable(cache, builds.KUBERNETES, name)), *arguments), files or {})


def _as_user(config: Path) -> tuple[str, ...]:
    return (
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    )


def _containerd_config(cluster: Cluster, cni: Path) -> str:
    # restrict_oom_score_adj: without the capability to lower the score (CAP_SYS_RESOURCE) no pod would start.
    return f"""version = 2
root = "{cluster.lib / "containerd"}"
state = "{cluster.run / "containerd"}"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{cluster.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{settings.PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  max_container_log_line_size = 262144
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{settings.CNI_PLUGINS}"
    conf_dir = "{cni}"
"""


def _cni_config(cluster: Cluster) -> str:
    addresses = {
        "type": "host-local",
        "dataDir": str(cluster.run / "cni"),
        "ranges": [[{"subnet": settings.NODE_POD_CIDR}]],
    }
    bridge = {
        "type": "bridge",
        "bridge": settings.BRIDGE,
        "isGateway": True,
        "isDefaultGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    return _json({"cniVersion": "0.4.0", "name": "devperfops", "plugins": [bridge, ports]})


def _kubelet_config(cluster: Cluster, pki: Pki, resolv: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "port": 10250,
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.ca)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki.certificate("kubelet-server")),
        "tlsPrivateKeyFile": str(pki.key("kubelet-server")),
        "clusterDomain": "cluster.local",
        "clusterDNS": [NODE_IP],
        "resolvConf": str(resolv),
        "containerRuntimeEndpoint": f"unix://{cluster.socket}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "podLogsDir": str(cluster.lib / "pod-logs"),
        # Disk and memory are the host's: never evict, and keep images, which nobody could pull again.
        "evictionHard": dict.fromkeys(_GIVE_EVERYTHING, "0%"),
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": settings.MAX_PODS,
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
    }


def _proxy_config(cluster: Cluster) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": settings.POD_CIDR,
        "bindAddress": "127.0.0.1",
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "hostnameOverride": NODE_NAME,
        "nodePortAddresses": [f"{NODE_IP}/32"],
        "clientConnection": {"kubeconfig": str(user_kubeconfig(cluster, "proxy"))},
        # The table of connections is the host's: leave its limits alone.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _corefile(cluster: Cluster) -> str:
    return f""".:53 {{
  bind {NODE_IP}
  errors
  health {_COREDNS_HEALTH}
  ready {COREDNS_READY}
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {user_kubeconfig(cluster, "coredns")} devperfops
    pods insecure
    ttl 5
  }}
  cache 5
}}
"""


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"
