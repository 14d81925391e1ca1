"""Who set what in a template: kept with a snapshot, and put back without touching anything else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from devperfops_operator.domain.manifests.ownership import (
    LAST_APPLIED,
    Ownership,
    read_ownership,
    restoration,
    same_owners,
)

Raw = dict[str, Any]


def entry(manager: str, fields: Raw, *, operation: str = "Update", **more: str) -> Raw:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def spec(**template: Raw) -> Raw:
    return {"f:spec": {"f:replicas": {}, "f:template": template}}


def annotations(*others: str) -> Raw:
    return {"f:metadata": {"f:annotations": {key: {} for key in (f"f:{LAST_APPLIED}", *others)}}}


def deployment(*entries: Raw, applied: str | None = None) -> Raw:
    noted = {} if applied is None else {LAST_APPLIED: applied}
    return {"metadata": {"resourceVersion": "7", "managedFields": list(entries), "annotations": noted}}


def manifest(**spec_: Any) -> str:
    return json.dumps({"kind": "Deployment", "metadata": {"labels": {"a": "b"}}, "spec": spec_})


def kept(one: Raw) -> Ownership:
    ownership = read_ownership(one)
    assert ownership is not None
    return Ownership.from_json(json.loads(json.dumps(ownership.to_json())))


KUBECTL = entry("kubectl", {**spec(a={}), **annotations(".")})
STATUS = entry("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status")
SCALE = entry("autoscaler", {"f:spec": {"f:replicas": {}}}, subresource="scale")


def test_of_what_a_manager_owns_only_the_template_and_the_annotation_are_kept() -> None:
    (only,) = kept(deployment(STATUS, KUBECTL, SCALE)).managers
    assert only["fieldsV1"] == {"f:spec": {"f:template": {"a": {}}}, **annotations()}


def test_a_trimmed_deployment_tells_nothing() -> None:
    assert read_ownership({"metadata": {"name": "front-end"}}) is None
    assert restoration(deployment(KUBECTL), None).unknown


def test_what_is_as_it_was_needs_nothing() -> None:
    one = deployment(STATUS, KUBECTL, applied=manifest(template={"a": 1}))
    left = restoration(one, kept(one))
    assert (left.annotation, left.managed_fields, left.unknown) == (None, None, False)


def test_owners_of_the_template_come_back_and_all_others_stay() -> None:
    wanted = kept(deployment(KUBECTL))
    newer = entry("kubectl", {**spec(b={}), "f:metadata": {"f:labels": {}, "f:annotations": {}}})
    ours = entry("devperfops-operator", {"f:spec": {"f:template": {"a": {}}}, **annotations()})
    now = deployment(STATUS, newer, SCALE, ours, applied=manifest(template={}))
    restored = restoration(now, wanted).managed_fields
    regained = {**spec(a={}), "f:metadata": {"f:labels": {}, **annotations(".")["f:metadata"]}}
    assert restored == (STATUS, entry("kubectl", regained), SCALE)


def test_an_owner_that_is_gone_comes_back_with_the_template_only() -> None:
    wanted = kept(deployment(KUBECTL))
    now = deployment(entry("argocd", spec(b={}), operation="Apply"), applied=manifest(template={}))
    assert restoration(now, wanted).managed_fields == (
        entry("argocd", {"f:spec": {"f:replicas": {}}}, operation="Apply"),
        entry("kubectl", {"f:spec": {"f:template": {"a": {}}}, **annotations()}),
    )


def test_when_something_was_set_makes_no_other_owner() -> None:
    assert same_owners([{**KUBECTL, "time": "1"}], [STATUS, {**KUBECTL, "time": "2"}])
    assert not same_owners([KUBECTL], [{**KUBECTL, "operation": "Apply"}])


def test_of_the_annotation_only_the_template_is_put_back() -> None:
    wanted = Ownership(applied={"a": "<1>"}, managers=())
    before = manifest(template={"b": 2}, strategy={"type": "Recreate"})
    change = restoration(deployment(applied=before), wanted).annotation
    assert change is not None
    assert change[0] == before
    assert json.loads(change[1]) == json.loads(manifest(template={"a": "<1>"}, strategy={"type": "Recreate"}))
    assert change[1].endswith('"template":{"a":"\\u003c1\\u003e"}}}\n'), "as kubectl writes it"


def test_a_template_that_was_never_applied_leaves_the_annotation() -> None:
    change = restoration(
        deployment(applied=manifest(template={}, replicas=2)), Ownership(None, ())
    ).annotation
    assert change is not None
    assert json.loads(change[1]) == json.loads(manifest(replicas=2))


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", "null", '{"spec": 1}'])
def test_an_annotation_that_is_no_manifest_is_left_alone(text: str | None) -> None:
    assert restoration(deployment(applied=text), Ownership({"a": 1}, ())).annotation is None


def test_an_annotation_that_was_removed_gets_no_owner() -> None:
    wanted = kept(deployment(KUBECTL, applied=manifest(template={})))
    restored = restoration(deployment(entry("kubectl", spec(b={}))), wanted).managed_fields
    assert restored == (entry("kubectl", spec(a={})),)


def test_nothing_that_is_given_is_changed() -> None:
    now = deployment(STATUS, entry("kubectl", spec(b={})), applied=manifest(template={"b": 1}))
    before = copy.deepcopy(now)
    restoration(now, kept(deployment(KUBECTL)))
    assert now == before
