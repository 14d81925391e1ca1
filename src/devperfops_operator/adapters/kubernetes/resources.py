"""Where the API server keeps which kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from devperfops_operator.api.base import API_VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object."""

    kind: str
    api_version: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path; without a namespace that of all of them."""
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        parts = [*(("namespaces", namespace) if namespace else ()), self.plural, name, subresource]
        return "/".join([root, *(quote(part, safe="") for part in parts if part)])


RESOURCES: Final = {
    resource.kind: resource
    for resource in (
        Resource("PerfGate", API_VERSION, "perfgates"),
        Resource("PerfRun", API_VERSION, "perfruns"),
        Resource("QuotaPolicy", API_VERSION, "quotapolicies"),
        Resource("QuotaWaiver", API_VERSION, "quotawaivers"),
        Resource("Deployment", "apps/v1", "deployments"),
        Resource("ReplicaSet", "apps/v1", "replicasets"),
        Resource("ControllerRevision", "apps/v1", "controllerrevisions"),
        Resource("Job", "batch/v1", "jobs"),
        Resource("Pod", "v1", "pods"),
        Resource("Service", "v1", "services"),
        Resource("ConfigMap", "v1", "configmaps"),
        Resource("Event", "v1", "events"),
        Resource("Lease", "coordination.k8s.io/v1", "leases"),
        Resource("StatefulSet", "apps/v1", "statefulsets"),
        Resource("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers"),
        Resource("PersistentVolumeClaim", "v1", "persistentvolumeclaims"),
        Resource("VolumeSnapshot", "snapshot.storage.k8s.io/v1", "volumesnapshots"),
        Resource("ResourceQuota", "v1", "resourcequotas"),
        Resource("LimitRange", "v1", "limitranges"),
        Resource("EnvoyFilter", "networking.istio.io/v1alpha3", "envoyfilters"),
        Resource("Namespace", "v1", "namespaces"),
        Resource("Node", "v1", "nodes"),
        Resource("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses"),
        Resource("ServiceCIDR", "networking.k8s.io/v1", "servicecidrs"),
        Resource("IPAddress", "networking.k8s.io/v1", "ipaddresses"),
        Resource("NodePool", "karpenter.sh/v1", "nodepools"),
        Resource("IPPool", "crd.projectcalico.org/v1", "ippools"),
    )
}
"""By kind."""
