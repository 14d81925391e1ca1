"""The operator in the cluster: that it runs, with settings it understands and the rights it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from devperfops_operator.api import rights
from devperfops_operator.api.settings import Settings, SettingsError, parse_settings
from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.doctor.check import Check, ok, problem, unknown
from devperfops_operator.cli.errors import NotFound, Trouble

_LABEL: Final = "app.kubernetes.io/name=devperfops-operator"
_INSTALL: Final = "install it: kubectl apply --server-side -f deploy/install.yaml, or the Helm chart"


@dataclass(frozen=True, slots=True)
class Installation:
    """One operator. `settings` None: they cannot be read or used."""

    namespace: str
    deployment: Mapping[str, Any]
    settings: Settings | None

    @property
    def account(self) -> str:
        """Its ServiceAccount."""
        return str(self.deployment["spec"]["template"]["spec"].get("serviceAccountName", "default"))

    def watches(self, namespace: str) -> bool:
        return self.settings is None or not self.settings.namespaces or namespace in self.settings.namespaces


@dataclass(slots=True)
class Search:
    """Finds the operator that looks after a namespace; `found` once the checks have been made."""

    cluster: Cluster
    within: str | None
    found: Installation | None = None

    def __call__(self) -> Iterator[Check]:
        about = "Operator"
        place = f"/namespaces/{quote(self.within)}" if self.within else ""
        listed = self.cluster.ask("GET", f"/apis/apps/v1{place}/deployments?labelSelector={_LABEL}").body
        where = f"namespace {self.within}" if self.within else "the cluster"
        if not listed["items"]:
            yield problem(about, f"there is no operator in {where}", _INSTALL)
            return
        installations = [(each, *self._settings(each)) for each in listed["items"]]
        for deployment, check, settings in installations:
            yield _running(deployment)
            yield check
            self._choose(Installation(deployment["metadata"]["namespace"], deployment, settings))
        if self.found is None:
            watched = f"no operator in {where} looks after namespace {self.cluster.namespace}"
            yield problem(about, watched, "add it to `namespaces` in the operator's settings")

    def _choose(self, candidate: Installation) -> None:
        if self.found is None and candidate.watches(self.cluster.namespace):
            self.found = candidate

    def _settings(self, deployment: Mapping[str, Any]) -> tuple[Check, Settings | None]:
        """From the ConfigMap that its pod mounts as `settings`."""
        about, namespace = "Settings", deployment["metadata"]["namespace"]
        volumes = deployment["spec"]["template"]["spec"].get("volumes", [])
        mounted = [each.get("configMap", {}).get("name") for each in volumes if each["name"] == "settings"]
        if mounted in ([], [None]):
            return unknown(about, "its pod mounts no ConfigMap as the volume `settings`"), None
        what = f"ConfigMap {namespace}/{mounted[0]}"
        try:
            stored = self.cluster.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/{mounted[0]}").body
            settings = parse_settings((stored.get("data") or {}).get("settings.yaml", ""))
        except NotFound:
            return problem(about, f"{what} does not exist", "install the operator again"), None
        except Trouble as error:
            return unknown(about, error.message), None
        except SettingsError as error:
            return problem(about, f"{what}: {error}", "correct it and restart the operator"), None
        scope = ", ".join(settings.namespaces) or "all namespaces"
        return ok(about, f"{what}, for {scope}"), settings


def _running(deployment: Mapping[str, Any]) -> Check:
    metadata, status = deployment["metadata"], deployment.get("status", {})
    name = f"Deployment {metadata['namespace']}/{metadata['name']}"
    if status.get("readyReplicas", 0) > 0:
        return ok("Operator", f"{name} is ready")
    said = [each.get("message", "") for each in status.get("conditions", []) if each["status"] != "True"]
    why = said[0] if said else "no pod of it is ready"
    look = f"kubectl -n {metadata['namespace']} describe pods -l {_LABEL}"
    return problem("Operator", f"{name} is not ready: {why}", look)


def its_rights(cluster: Cluster, installation: Installation) -> Iterator[Check]:
    """By SubjectAccessReview: what its ServiceAccount may do in the namespace."""
    about = "Its rights"
    user = f"system:serviceaccount:{installation.namespace}:{installation.account}"
    settings = installation.settings
    verify = settings is not None and settings.agent_tokens == "Verify"
    unwatched = settings is not None and not settings.watch_config_maps
    wanted = [(right, cluster.namespace) for right in _each(rights.NAMESPACED)]
    wanted = [each for each in wanted if not (unwatched and each[0] == ("watch", "", "configmaps"))]
    wanted += [(right, installation.namespace) for right in _each(rights.OWN)]
    wanted += [] if verify else [(right, "") for right in _each(rights.CLUSTER)]
    missing = [right for right, namespace in wanted if not _allowed(cluster, user, right, namespace)]
    if not missing:
        yield ok(about, f"{user} may do in {cluster.namespace} what it must ({len(wanted)} rights)")
        return
    told = ", ".join(f"{verb} {resource}" for verb, _, resource in missing[:4])
    more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""  # noqa: PLR2004
    remedy = "apply this version's roles (deploy/install.yaml, or helm upgrade)"
    yield problem(about, f"{user} may not {told}{more} in {cluster.namespace}", remedy)


def your_rights(cluster: Cluster) -> Iterator[Check]:
    """What the person at the keyboard may do with gates."""
    wanted = [("create", "devperfops.io", "perfgates"), ("create", "devperfops.io", "perfruns")]
    missing = [right for right in wanted if not _allowed(cluster, None, right, cluster.namespace)]
    if not missing:
        yield ok("Your rights", f"you may make gates and runs in {cluster.namespace}")
        return
    told = " and ".join(f"{verb} {resource}" for verb, _, resource in missing)
    remedy = "the ClusterRole `edit` in that namespace includes it; ask whoever runs the cluster"
    yield problem("Your rights", f"you may not {told} in {cluster.namespace}", remedy)


Right = tuple[str, str, str]
"""Verb, API group, resource."""


def _each(granted: rights.Rights) -> Iterator[Right]:
    for (group, resource), verbs in granted.items():
        for verb in sorted(verbs):
            yield verb, group, resource


def _allowed(cluster: Cluster, user: str | None, right: Right, namespace: str) -> bool:
    verb, group, resource = right
    name, _, subresource = resource.partition("/")
    asked = {
        "namespace": namespace,
        "verb": verb,
        "group": group,
        "resource": name,
        "subresource": subresource,
    }
    kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": kind,
        "spec": {"resourceAttributes": asked, **({"user": user, "groups": _groups(user)} if user else {})},
    }
    answer = cluster.ask("POST", f"/apis/authorization.k8s.io/v1/{kind.lower()}s", body).body
    return bool(answer["status"]["allowed"])


def _groups(user: str) -> list[str]:
    namespace = user.split(":")[2]
    return ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
