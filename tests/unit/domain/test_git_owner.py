"""Targets that follow Git: who does it, and what a Fail brings there."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.api.perfrun import ActionType
from devperfops_operator.domain.manifests.deployment import trim
from devperfops_operator.domain.manifests.git_owner import git_owner
from tests.unit.domain.test_run import deliver_final, fail_run
from tests.unit.domain.world import released, template

TRACKING = "argocd.argoproj.io/tracking-id"
KUSTOMIZE, HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
INSTANCE = {"app.kubernetes.io/instance": "shop"}
PAUSED = {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}


def flux(prefix: str) -> dict[str, str]:
    return {f"{prefix}/name": "apps", f"{prefix}/namespace": "flux-system"}


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        ({}, {TRACKING: "store:apps/Deployment:shop/front-end"}, "Argo CD application store"),
        ({}, {TRACKING: "argo_store:apps/Deployment:shop/front-end"}, "Argo CD application argo_store"),
        (INSTANCE, {"argocd.argoproj.io/sync-wave": "1"}, "Argo CD application shop"),
        ({"argocd.argoproj.io/instance": "shop"}, {}, "Argo CD application shop"),
        (flux(KUSTOMIZE), {}, "Flux Kustomization flux-system/apps"),
        (flux(HELM), {}, "Flux HelmRelease flux-system/apps"),
        ({}, {}, None),
        (INSTANCE, {}, None),
        (INSTANCE, {"meta.helm.sh/release-name": "shop"}, None),
        (INSTANCE, {TRACKING: "store:apps/Deployment:staging/front-end"}, None),
        ({}, {TRACKING: "store:apps/Deployment:shop/cart"}, None),
        ({}, {"argocd.argoproj.io/sync-wave": "1"}, None),
        ({f"{KUSTOMIZE}/name": "apps"}, {}, None),
        (flux(KUSTOMIZE), PAUSED, None),
    ],
)
def test_only_what_argo_cd_or_flux_would_put_back_is_theirs(
    labels: dict[str, str], annotations: dict[str, str], owner: str | None
) -> None:
    other = {"team": "a"}
    metadata = {"name": "front-end", "namespace": "shop", "uid": "d", "labels": labels | other}
    stored: dict[str, Any] = {"metadata": {**metadata, "annotations": annotations | other}, "spec": {}}
    assert git_owner(stored["metadata"]) == owner
    kept = trim(stored)["metadata"]
    assert git_owner(kept) == owner
    assert "team" not in {**kept["labels"], **kept["annotations"]}


OWNER = "Argo CD application store"


def test_a_failed_revision_that_git_would_put_back_is_held() -> None:
    world, name = next(released())
    world.git_owner = OWNER
    fail_run(world, name)
    deliver_final(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.HOLD, "GitOwned")
    assert OWNER in action.message
    assert "revert the change in Git" in action.message
    assert world.template == template("2")
    assert world.gate is not None
    assert world.gate.status.target is not None
    assert world.gate.status.target.git_owner == OWNER


def test_a_gate_that_asks_for_it_rolls_back_what_git_owns_and_says_what_may_come_of_it() -> None:
    world, name = next(released(actions={"onFail": "Rollback"}))
    world.git_owner = OWNER
    fail_run(world, name)
    deliver_final(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert action.type is ActionType.ROLLBACK
    assert f"{OWNER} owns the Deployment and may undo that" in action.message
    assert world.template == template("1")


def test_hold_is_hold_whoever_owns_it() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    world.git_owner = OWNER
    fail_run(world, name)
    deliver_final(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert action.reason == "HoldAsked"
