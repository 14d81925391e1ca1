"""What Kubernetes and Prometheus ask."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.server.app import serving
from tests.unit.server.conftest import make_run


async def test_alive_even_while_not_ready(operator):
    operator.ready = False

    async with operator.client.get("/healthz") as alive, operator.client.get("/readyz") as ready:
        assert (alive.status, ready.status) == (200, 503)
        assert (await ready.json())["message"] == "not the leader: operator-b is"


async def test_ready_once_nothing_is_in_the_way(operator):
    async with operator.client.get("/readyz") as ready:
        assert ready.status == 200


async def test_runs_are_counted_by_phase_and_verdict(operator):
    operator.store(make_run("a", "1"), collecting=False)
    operator.store(make_run("b", "2"), collecting=False)
    operator.store(make_run("c", "3", phase="Completed", verdict="Fail"), collecting=False)

    runs = {
        (sample.labels["phase"], sample.labels["verdict"]): sample.value
        for sample in await scraped(operator, "devperfops_runs")
    }

    assert runs == {("Running", ""): 2.0, ("Completed", "Fail"): 1.0}


async def test_a_quota_policy_is_one_series_while_its_headroom_is_known(operator):
    for name, headroom in (("january", "-0.5833"), ("unread", None)):
        stored = {
            "metadata": {"name": name, "namespace": "accounts"},
            "spec": {},
            "status": {"headroom": headroom},
        }
        operator.policies.append(StoredQuotaPolicy.from_json(stored))

    (sample,) = await scraped(operator, "devperfops_quota_headroom_ratio")

    assert sample.labels == {"namespace": "accounts", "policy": "january"}
    assert sample.value == -0.5833


async def test_requests_are_counted_by_route_and_never_by_a_strangers_path(operator):
    for path in ("/readyz", "/readyz", "/wp-login.php", "/v1/runs/a/b/workers/0/blocks"):
        async with operator.client.get(path):
            pass

    samples = await scraped(operator, "devperfops_http_requests")
    counts = {
        (sample.labels["method"], sample.labels["route"], sample.labels["code"]): sample.value
        for sample in samples
        if sample.name.endswith("_total")
    }

    assert counts == {
        ("GET", "/readyz", "200"): 2.0,
        ("GET", "other", "404"): 1.0,
        ("GET", "other", "405"): 1.0,
    }


async def test_the_processs_own_figures_are_there(operator):
    [resident] = await scraped(operator, "process_resident_memory_bytes")

    assert resident.value > 1_000_000


async def test_a_port_in_use_is_an_error_and_not_a_wait(operator):
    with pytest.raises(OSError, match="address already in use"):
        async with serving(operator.client.app, operator.client.port):
            pytest.fail("two servers on one port")


async def scraped(operator, name: str) -> list:
    async with operator.client.get("/metrics") as response:
        assert response.status == 200
        families = text_string_to_metric_families(await response.text())
    return next((family.samples for family in families if family.name == name), [])
