"""The cluster, as the operator uses it: raw objects in, raw objects out, errors in our own tree."""

from devperfops_operator.adapters.kubernetes.cluster import Cluster
from devperfops_operator.adapters.kubernetes.connection import Connection, connect
from devperfops_operator.adapters.kubernetes.leases import Leases, own_namespace
from devperfops_operator.adapters.kubernetes.metadata import Listed, Seen
from devperfops_operator.adapters.kubernetes.resources import RESOURCES
from devperfops_operator.adapters.kubernetes.tokens import TokenReviewer

__all__ = [
    "RESOURCES",
    "Cluster",
    "Connection",
    "Leases",
    "Listed",
    "Seen",
    "TokenReviewer",
    "connect",
    "own_namespace",
]
