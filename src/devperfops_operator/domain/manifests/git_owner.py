"""Who keeps an object as Git says it is: the marks that Argo CD and Flux leave on what they sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Raw = Mapping[str, Any]

_TRACKING_ID: Final = "argocd.argoproj.io/tracking-id"
_ARGO_INSTANCE: Final = "argocd.argoproj.io/instance"
_INSTANCE: Final = "app.kubernetes.io/instance"
_ARGO: Final = "argocd.argoproj.io/"
_FLUX: Final = {
    "Flux Kustomization": "kustomize.toolkit.fluxcd.io",
    "Flux HelmRelease": "helm.toolkit.fluxcd.io",
}
_FLUX_PAUSE: Final = "kustomize.toolkit.fluxcd.io/reconcile"
_PREFIXES: Final = (_ARGO, _INSTANCE, *(f"{prefix}/" for prefix in _FLUX.values()))


def git_marks(marks: Mapping[str, str] | None) -> dict[str, str]:
    """Of labels or annotations those that `git_owner` looks at."""
    return {key: value for key, value in (marks or {}).items() if key.startswith(_PREFIXES)}


def git_owner(metadata: Raw) -> str | None:
    """As people call it, such as `Argo CD application shop`; None: nothing syncs the object."""
    labels, annotations = git_marks(metadata.get("labels")), git_marks(metadata.get("annotations"))
    return _argo(metadata, labels, annotations) or _flux(labels, annotations)


def _argo(metadata: Raw, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    """A tracking id copied from another object counts no more here than it does with Argo CD itself.

    Helm sets the instance label, too: it counts only together with something that is Argo CD's own.
    """
    application, _, tracked = annotations.get(_TRACKING_ID, "").partition(":")
    if tracked == f"apps/Deployment:{metadata.get('namespace')}/{metadata.get('name')}":
        return f"Argo CD application {application}"
    argo = any(key.startswith(_ARGO) and key != _TRACKING_ID for key in annotations)
    by_label = labels.get(_ARGO_INSTANCE) or (labels.get(_INSTANCE) if argo else None)
    return f"Argo CD application {by_label}" if by_label else None


def _flux(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    if annotations.get(_FLUX_PAUSE) == "disabled":
        return None
    for kind, prefix in _FLUX.items():
        name, namespace = labels.get(f"{prefix}/name"), labels.get(f"{prefix}/namespace")
        if name and namespace:
            return f"{kind} {namespace}/{name}"
    return None
