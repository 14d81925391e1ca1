"""The data of a gate's environment: whatever a load leaves behind, the next one begins from the golden copy."""

from __future__ import annotations

from tests.e2e.arena import Arena, outcome
from tests.e2e.database import Database


def test_every_load_begins_from_the_golden_copy_of_a_marked_database(arena: Arena):
    database = Database.started(arena.kube, arena.namespace)
    arena.gate_manifest["spec"]["data"] = {"timeout": "1m", "postgres": database.reset}
    arena.start()
    golden = database.state()

    arena.release("2")
    arena.wait_for_load()
    assert database.state() == golden
    database.dirty()
    run = arena.wait_for_end()
    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), run["status"].get("message")
    assert database.state() != golden

    arena.release("3")
    name = arena.wait_for_load(number=2)["metadata"]["name"]
    assert database.state() == golden
    assert database.sql("SELECT to_regclass('left_behind') IS NULL") == "t"
    arena.kube.patch("PerfRun", name, arena.namespace, {"spec": {"cancel": True}})
    arena.wait_for_end(number=2)

    database.sql("COMMENT ON DATABASE shop IS 'production'")
    database.dirty()
    rows = database.sql("SELECT count(*) FROM orders")
    arena.release("4")
    run = arena.wait_for_end(number=3)
    assert outcome(run) == ("Completed", "Error", "DataResetFailed")
    assert ': ERROR: database "shop" is not marked as one that may be reset' in run["status"]["message"]
    assert "COMMENT ON DATABASE shop IS 'devperfops.io/may-be-reset'" in run["status"]["message"]
    assert database.sql("SELECT count(*) FROM orders") == rows
    assert run["metadata"]["name"] not in {job["metadata"]["name"] for job in arena.jobs()}, "no load"
