"""etcd and kube-apiserver as processes: the part the full cluster and the API-server-only mode share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hack.cluster import builds
from hack.cluster.pki import Certificate, Pki
from hack.cluster.processes import Spec
from hack.cluster.settings import Cache

ADMIN = Certificate("admin", "/O=system:masters/CN=admin")


@dataclass(frozen=True)
class Endpoints:
    """Where the two listen."""

    address: str
    api_port: int
    etcd_client_port: int
    etcd_peer_port: int

    @property
    def server(self) -> str:
        return f"https://{self.address}:{self.api_port}"

    @property
    def etcd(self) -> str:
        return f"http://127.0.0.1:{self.etcd_client_port}"


def serving_certificate(addresses: tuple[str, ...]) -> Certificate:
    """The API server's own certificate, for its names inside a cluster and these addresses."""
    hosts = (
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    names = (*(f"DNS:{host}" for host in (*hosts, "localhost")), *(f"IP:{address}" for address in addresses))
    return Certificate("apiserver", "/CN=kube-apiserver", usage="serverAuth", names=names)


def etcd(cache: Cache, at: Endpoints, data: Path) -> Spec:
    """etcd without fsync: what it holds need not survive a power cut."""
    peer = f"http://127.0.0.1:{at.etcd_peer_port}"
    return Spec(
        "etcd",
        (
            str(builds.executable(cache, builds.ETCD)),
            "--name=devperfops",
            f"--data-dir={data}",
            f"--listen-client-urls={at.etcd}",
            f"--advertise-client-urls={at.etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=devperfops={peer}",
            "--log-level=warn",
            "--unsafe-no-fsync",
        ),
    )


def apiserver(cache: Cache, at: Endpoints, pki: Pki, service_range: str, extra: tuple[str, ...]) -> Spec:
    """kube-apiserver with RBAC; `extra` are the arguments of one of the two modes."""
    return Spec(
        "kube-apiserver",
        (
            str(builds.executable(cache, builds.KUBERNETES, "kube-apiserver")),
            f"--bind-address={at.address}",
            f"--advertise-address={at.address}",
            f"--secure-port={at.api_port}",
            f"--etcd-servers={at.etcd}",
            f"--service-cluster-ip-range={service_range}",
            "--anonymous-auth=false",
            "--allow-privileged=true",
            "--profiling=false",
            f"--client-ca-file={pki.ca}",
            f"--tls-cert-file={pki.certificate('apiserver')}",
            f"--tls-private-key-file={pki.key('apiserver')}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki.tokens}",
            f"--service-account-signing-key-file={pki.tokens}",
            *extra,
        ),
    )
