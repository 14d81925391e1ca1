"""A quota policy beside any gate, with the shipped role: what people and Prometheus see of it."""

from __future__ import annotations

import yaml

from hack.cluster.settings import CHECKOUT
from hack.kube import Object, condition, wait_for
from tests.e2e.arena import Arena

EXAMPLE = CHECKOUT / "examples/quota"
FILES = {name: (EXAMPLE / name).read_text() for name in ("load-test.yaml", "production.yaml", "peaks.yaml")}


def apply(arena: Arena, manifest: Object) -> None:
    manifest["metadata"]["namespace"] = arena.namespace
    arena.kube.apply([manifest])


def apply_files(arena: Arena, files: dict[str, str]) -> None:
    apply(arena, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "january"}, "data": files})


def wait_for_answer(arena: Arena, status: str, reason: str) -> None:
    def said() -> bool:
        policy = arena.kube.get("QuotaPolicy", "january", arena.namespace)
        passed = condition(policy, "Passed")
        return (passed.get("status"), passed.get("reason")) == (status, reason)

    wait_for(f"the policy says {reason}", said, seconds=30, interval=0.1)


def headroom(arena: Arena) -> list[str]:
    return [
        line
        for line in arena.operator.metrics().splitlines()
        if line.startswith("devperfops_quota_headroom_ratio{")
    ]


def told(arena: Arena) -> list[str]:
    events = arena.kube.list("Event", arena.namespace)
    return [each["reason"] for each in events if each["involvedObject"]["name"] == "january"]


def test_the_example_is_watched_across_a_crash_of_the_operator(arena: Arena):
    arena.operator.start()
    apply_files(arena, FILES)
    apply(arena, yaml.safe_load((EXAMPLE / "policy.yaml").read_text()))
    wait_for_answer(arena, "False", "QuotaRegression")
    series = f'devperfops_quota_headroom_ratio{{namespace="{arena.namespace}",policy="january"}}'
    wait_for("the metric", lambda: headroom(arena) == [f"{series} -0.5833"], seconds=10)
    wait_for("the event", lambda: told(arena) == ["QuotaRegression"], seconds=10)

    arena.operator.kill()
    waiver = yaml.safe_load((EXAMPLE / "waiver.yaml").read_text())
    waiver["spec"]["expires"] = "2099-01-15T00:00:00Z"
    apply(arena, waiver)
    arena.operator.start()
    wait_for_answer(arena, "True", "QuotaWaived")

    arena.kube.delete("QuotaWaiver", waiver["metadata"]["name"], arena.namespace)
    wait_for_answer(arena, "False", "QuotaRegression")

    raised = FILES["production.yaml"].replace("limit: 1000", "limit: 2400")
    apply_files(arena, {**FILES, "production.yaml": raised})
    wait_for_answer(arena, "True", "QuotaGranted")
    wait_for("the metric follows", lambda: headroom(arena) == [f"{series} 0.0"], seconds=10)

    arena.kube.delete("QuotaPolicy", "january", arena.namespace)
    wait_for("its series ends", lambda: headroom(arena) == [], seconds=10)
