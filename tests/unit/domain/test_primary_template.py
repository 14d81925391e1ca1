"""The primary's template: the target's, under its own labels and with its own copies of ConfigMaps."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.domain.manifests.config_copy import (
    config_content,
    config_copy,
    copy_name,
    unused_copies,
)
from devperfops_operator.domain.manifests.primary import primary_labels, primary_template, selects
from devperfops_operator.domain.manifests.template import referenced_config_maps

TARGET = {"matchLabels": {"app": "front-end"}}
PRIMARY = {"matchLabels": {"app": "front-end-primary"}}


def pod(**spec: Any) -> dict[str, Any]:
    labels = {"app": "front-end", "version": "2"}
    return {
        "metadata": {"labels": labels, "annotations": {"note": "kept"}},
        "spec": {"containers": [{"name": "app", "image": "front-end:2"}], **spec},
    }


def affinity(selector: dict[str, Any], kind: str = "podAntiAffinity") -> dict[str, Any]:
    term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    return {
        "affinity": {
            kind: {
                "requiredDuringSchedulingIgnoredDuringExecution": [copy.deepcopy(term)],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": copy.deepcopy(term)}
                ],
            }
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": selector,
            }
        ],
    }


def selectors(template: Any) -> list[dict[str, Any]]:
    spec = template["spec"]
    found = [each["labelSelector"] for each in spec.get("topologySpreadConstraints", [])]
    for terms in spec.get("affinity", {}).values():
        found += [each["labelSelector"] for each in terms["requiredDuringSchedulingIgnoredDuringExecution"]]
        found += [
            each["podAffinityTerm"]["labelSelector"]
            for each in terms["preferredDuringSchedulingIgnoredDuringExecution"]
        ]
    return found


def rewritten(selector: dict[str, Any], target: Any = TARGET, primary: Any = PRIMARY) -> dict[str, Any]:
    """By affinity, anti-affinity and spread alike."""
    pods = pod(**affinity(selector, "podAffinity"))
    pods["spec"]["affinity"] |= affinity(selector)["affinity"]
    pods["metadata"]["labels"] |= target["matchLabels"]
    found = selectors(primary_template(pods, target, primary, {}))
    assert len(found) == 5
    assert all(each == found[0] for each in found)
    return found[0]


def test_everything_but_what_tells_the_pods_apart_is_the_targets() -> None:
    before = pod(**affinity({"matchLabels": {"app": "front-end"}}))
    untouched = copy.deepcopy(before)
    after = copy.deepcopy(primary_template(before, TARGET, PRIMARY, {}))
    assert before == untouched
    assert after["metadata"]["labels"] == {"app": "front-end-primary", "version": "2"}
    assert selectors(after) == [PRIMARY] * 3
    after["metadata"]["labels"] = before["metadata"]["labels"]
    for each in selectors(after):
        each["matchLabels"] = {"app": "front-end"}
    assert after == before


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"matchLabels": {"app": "front-end", "version": "2"}},
         {"matchLabels": {"app": "front-end-primary", "version": "2"}}),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["cart", "front-end"]}]},
         {"matchExpressions": [{"key": "app", "operator": "In", "values": ["cart", "front-end-primary"]}]}),
        ({"matchLabels": {"app": "cart"}}, {"matchLabels": {"app": "cart"}}),
        ({"matchLabels": {"app": "front-end", "tier": "db"}}, {"matchLabels": {"app": "front-end", "tier": "db"}}),
        ({"matchLabels": {"version": "2"}}, {"matchLabels": {"version": "2"}}),
        ({}, {}),
    ],
)  # fmt: skip
def test_only_what_selects_the_targets_own_pods_is_rewritten(
    selector: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert rewritten(selector) == expected


def test_a_selector_of_both_kinds_of_pods_goes_on_selecting_both() -> None:
    target = {"matchLabels": {"app": "front-end", "role": "candidate"}}
    primary = {"matchLabels": {"app": "front-end", "role": "primary"}}
    assert rewritten({"matchLabels": {"app": "front-end"}}, target, primary) == {
        "matchLabels": {"app": "front-end"}
    }
    assert rewritten(target, target, primary) == primary


def test_a_label_the_primary_does_not_know_is_left_out() -> None:
    primary = {"matchLabels": {"name": "shop"}}
    assert primary_labels(pod(), TARGET, primary) == {"name": "shop", "version": "2"}
    assert rewritten({"matchLabels": {"app": "front-end", "version": "2"}}, primary=primary) == {
        "matchLabels": {"name": "shop", "version": "2"}
    }


KEYS = st.sampled_from(["app", "role", "tier", "zone"])
VALUES = st.sampled_from(["a", "b", "c"])
LABELS = st.dictionaries(KEYS, VALUES, min_size=1)
EXPRESSIONS = st.lists(
    st.fixed_dictionaries(
        {"key": KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": st.lists(VALUES, min_size=1)}
    )
    | st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
    max_size=2,
)
SELECTORS = st.fixed_dictionaries({}, optional={"matchLabels": LABELS, "matchExpressions": EXPRESSIONS})


@given(own=LABELS, more=LABELS, new=LABELS, selector=SELECTORS)
def test_the_rewriting_holds_for_any_labels(
    own: dict[str, str], more: dict[str, str], new: dict[str, str], selector: dict[str, Any]
) -> None:
    target, primary = {"matchLabels": own}, {"matchLabels": new}
    before = pod(**affinity(selector))
    before["metadata"]["labels"] = {**more, **own}
    after: Any = primary_template(before, target, primary, {})
    labels = after["metadata"]["labels"]

    assert selects(primary, labels), "the primary's selector takes its pods"
    assert labels.items() - new.items() <= more.items() - own.items(), "nothing else is added"
    if not selects(target, labels):  # what is refused before
        assert primary_template(after, target, primary, {}) == after
    expressions = selector.get("matchExpressions", [])
    names_its_own = selector.get("matchLabels", {}).items() & own.items() or any(
        each["operator"] == "In" and own.get(each["key"]) in each["values"] for each in expressions
    )
    positive = all(each["operator"] in {"In", "Exists"} for each in expressions)
    keys = {*selector.get("matchLabels", {})} | {each["key"] for each in expressions}
    for now in selectors(after):
        if not names_its_own or not selects(selector, before["metadata"]["labels"]):
            assert now == selector
        elif positive and keys <= {*own}:
            assert selects(now, labels), "who kept to its own kind still does"


# ConfigMaps


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "uid": "c", "labels": {"app": "x"}}, "data": data}


def reading(name: str) -> dict[str, Any]:
    return pod(
        initContainers=[{"name": "first", "envFrom": [{"configMapRef": {"name": name}}, {"secretRef": {"name": name}}]}],
        containers=[
            {
                "name": "app",
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": name, "key": "a"}}}],
            }
        ],
        volumes=[
            {"name": name, "configMap": {"name": name, "items": [{"key": "a", "path": "a"}]}},
            {"name": "all", "projected": {"sources": [{"configMap": {"name": name}}, {"secret": {"name": name}}]}},
            {"name": "absent", "configMap": {"name": "not-there", "optional": True}},
        ],
    )  # fmt: skip


def test_every_reference_to_a_copied_config_map_and_no_other_is_rewritten() -> None:
    after: Any = primary_template(reading("settings"), TARGET, PRIMARY, {"settings": "copied"})
    assert referenced_config_maps(after) == {"copied", "not-there"}
    expected = reading("copied")["spec"]
    expected["initContainers"][0]["envFrom"][1]["secretRef"]["name"] = "settings"
    expected["volumes"][0]["name"] = "settings"
    expected["volumes"][1]["projected"]["sources"][1]["secret"]["name"] = "settings"
    assert after["spec"] == expected


def test_a_copy_has_the_content_is_immutable_and_goes_with_the_primary() -> None:
    source = {**config_map(a="1"), "binaryData": {"b": "/w=="}}
    made = config_copy(source, "front-end-primary", "uid-p")
    assert config_content(made) == config_content(source) == {"a": "1", "b": "\xff"}
    assert made["immutable"] is True
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "front-end-primary", "uid": "uid-p"}
    ]


def test_the_name_of_a_copy_is_told_by_its_content() -> None:
    name = copy_name(config_map(a="1"), "front-end-primary")
    assert name.startswith("settings-front-end-primary-")
    assert name == copy_name(config_map(a="1"), "front-end-primary")
    assert name != copy_name(config_map(a="2"), "front-end-primary")
    long, longer = (copy_name(config_map("n" * length, a="1"), "front-end-primary") for length in (252, 253))
    assert len(long) == len(longer) == 253
    assert long != longer


def test_copies_are_unused_when_no_replica_set_could_go_back_to_them() -> None:
    copies = [config_copy(config_map(a=value), "front-end-primary", "uid-p") for value in "123"]
    names = [each["metadata"]["name"] for each in copies]
    foreign = config_copy(config_map(a="4"), "front-end-primary", "uid-of-another")
    templates = [reading(names[1]), reading(names[2])]
    assert unused_copies([*copies, foreign], "uid-p", templates) == (names[0],)
