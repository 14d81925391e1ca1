import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.blocks import BlockBuilder
from devperfops_operator.wire.brief import Brief, Inputs, Shard, Threshold
from devperfops_operator.wire.histogram import BUCKETS
from devperfops_operator.wire.jtl import JtlRow
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.measurement import (
    Block,
    Fault,
    Final,
    Heartbeat,
    JMeterState,
    LoadEnd,
    Push,
    Reply,
    StartReply,
)
from devperfops_operator.wire.threads import Held, Offered
from devperfops_operator.wire.wakes import Wakes

HEARTBEAT = Heartbeat(
    JMeterState.RUNNING, 3, 1_000, 2_000, Fault.DISK_FULL, {"cart.shop.svc": 3}, Wakes(60, 2, 180)
)
FINAL = Final(
    blocks=2,
    rows=3,
    errors=1,
    end=LoadEnd.STOPPED,
    truncated=False,
    ran_ms=4_000,
    held=Held(90, 2_000, 1_500),
    plan=KeptPlan.of(b"<jmeterTestPlan/>", None),
    held_above=(Held(3, 500, 500), Held()),
)


def some_blocks() -> tuple[Block, ...]:
    thresholds = [Threshold(100, inclusive=True), Threshold(900, inclusive=False)]
    builder = BlockBuilder(thresholds, 0, transactions=("b", "checkout"))
    rows = [
        JtlRow(0, 10, "a", success=True),
        JtlRow(5, 100, "b", success=False),
        JtlRow(0, 105, "checkout", success=False, controller=True),
        JtlRow(1500, 250, "カ", success=True),
    ]
    blocks = list(builder.add(rows))
    return (*blocks, *builder.finish())


def as_sent(push: Push) -> Any:
    return json.loads(json.dumps(push.to_json()))


@pytest.mark.parametrize("final", [None, FINAL])
@pytest.mark.parametrize("blocks", [(), some_blocks()])
def test_a_push_arrives_as_it_was_sent(blocks: tuple[Block, ...], final: Final | None) -> None:
    push = Push(blocks, HEARTBEAT, final)
    assert Push.from_json(as_sent(push)) == push


def test_answers_arrive_as_they_were_sent() -> None:
    reply = Reply(want=7, stop=True, final_acknowledged=False)
    assert Reply.from_json(json.loads(json.dumps(reply.to_json()))) == reply
    for start in (StartReply(None), StartReply(2500)):
        assert StartReply.from_json(json.loads(json.dumps(start.to_json()))) == start


def test_orders_arrive_as_they_were_given() -> None:
    limit, shares = Threshold(5, inclusive=True), ({"TPM": "2"}, {"TPM": "1"})
    inputs = Inputs(
        "a.jmx", "ConfigMap a", ("TPM",), "ConfigMap b", (Shard("users.csv", header=True),), ("login",)
    )
    brief = Brief(
        *(
            "ns",
            "run",
            "uid",
            "http://op",
            10,
            20,
            (limit,),
            {"Duration": "60"},
            shares,
            inputs,
            ("checkout",),
        ),
        *("cart", (Offered(2, 1.5), Offered(1, 0.75))),
    )
    assert Brief.from_json(brief.to_json()) == brief


def changed(path: list[str | int], value: object) -> Any:
    raw = as_sent(Push(some_blocks(), HEARTBEAT, FINAL))
    place = raw
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return raw


STATS: list[str | int] = ["blocks", 0, "labels", "a"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["blocks"], None, "blocks must be a list"),
        (["blocks"], [{}] * 1_001, "at most 1000 entries, not one with 1001"),
        (["blocks", 0], {"sequence": 0}, "block must be an object with the fields"),
        (["blocks", 0, "sequence"], -1, "sequence must be a whole number"),
        (["blocks", 0, "sequence"], True, "sequence must be a whole number"),
        (["blocks", 0, "sequence"], 1.0, "sequence must be a whole number"),
        (["blocks", 0, "sequence"], 10**400, "not a number that large"),
        (["blocks", 0, "sequence"], 5, "numbered consecutively"),
        (["blocks", 0, "second"], "0", "second must be a whole number"),
        (["blocks", 0, "warmup_errors"], 1, "warmup_errors must be a whole number from 0 to 0"),
        (
            ["blocks", 0, "labels"],
            {str(n): {} for n in range(1_002)},
            "labels must be an object with at most 1001",
        ),
        (
            ["blocks", 0, "controllers"],
            {str(n): {} for n in range(101)},
            "controllers must be an object with at most 100",
        ),
        (
            ["blocks", 0, "controllers"],
            {"checkout": {"samples": 1}},
            "label must be an object with the fields",
        ),
        (["blocks", 0, "labels"], {"x" * 201: {}}, "label must be a text of at most 200"),
        (["blocks", 0, "labels"], {"\ud800": {}}, "surrogates not allowed"),
        ([*STATS, "samples"], 2, "the histogram must count as many"),
        ([*STATS, "errors"], 2, "errors must be a whole number from 0 to"),
        ([*STATS, "over"], [2, 0], "over must not count more than samples"),
        ([*STATS, "over"], [0], "equal length"),
        ([*STATS, "over"], [0] * 101, "over must be a list of at most 100"),
        ([*STATS, "censored_over"], [0, float("nan")], "censored_over must be a whole number"),
        ([*STATS, "failed"], {"0": 9}, "failed must count as many as errors"),
        ([*STATS, "failed"], {"-1": 1}, "failed: a bucket must be a number"),
        ([*STATS, "histogram"], {"-1": 1}, "a bucket must be a number"),
        ([*STATS, "histogram"], {str(BUCKETS): 1}, "a bucket must be a number"),
        ([*STATS, "histogram"], {"1e3": 1}, "a bucket must be a number"),
        ([*STATS, "histogram"], {"9" * 5_000: 1}, "a bucket must be a number"),
        ([*STATS, "histogram"], {"٣": 1}, "a bucket must be a number"),
        (["heartbeat"], None, "heartbeat must be an object"),
        (["heartbeat", "jmeter"], "Dancing", "jmeter must be one of Waiting, Running, Ended, not 'Dancing'"),
        (["heartbeat", "jmeter"], ["Running"], "jmeter must be one of"),
        (["heartbeat", "rows"], None, "rows must be a whole number"),
        (["heartbeat", "last_end_ms"], -3, "last_end_ms must be a whole number"),
        (["heartbeat", "fault"], "Flood", "fault must be one of DiskFull, ClockStepped, not 'Flood'"),
        (["heartbeat", "hosts"], {str(n): 1 for n in range(11)}, "hosts must be an object with at most 10"),
        (["heartbeat", "hosts"], {"x" * 254: 1}, "host must be a text of at most 253"),
        (["heartbeat", "hosts"], {"cart": -1}, "hosts must be a whole number"),
        (["final", "end"], "Fine", "end must be one of"),
        (["final", "errors"], 4, "errors must be a whole number from 0 to 3"),
        (["heartbeat", "wakes", "late"], 61, "late must be a whole number from 0 to 60"),
        (["final", "held"], {"requests": 1}, "held must be an object with the fields"),
        (["final", "held", "longest_ms"], 2_001, "longest_ms must be a whole number from 0 to 2000"),
        (["final", "truncated"], 0, "truncated must be true or false"),
    ],
)
def test_a_hostile_push_is_refused_with_the_place(path: list[str | int], value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Push.from_json(changed(path, value))


LATER = [
    ("heartbeat", "hosts"),
    ("heartbeat", "wakes"),
    ("final", "ran_ms"),
    ("final", "held"),
    ("final", "plan"),
    ("final", "held_above"),
]


@pytest.mark.parametrize(("part", "field"), LATER)
def test_an_agent_of_the_version_before_may_not_know_a_field(part: str, field: str) -> None:
    sent = as_sent(Push((), HEARTBEAT, FINAL))
    del sent[part][field]
    heartbeat = (
        replace(HEARTBEAT, **{field: {} if field == "hosts" else None}) if part == "heartbeat" else HEARTBEAT
    )
    absent = () if field == "held_above" else None
    final = replace(FINAL, **{field: absent}) if part == "final" else FINAL
    assert Push.from_json(sent) == Push((), heartbeat, final)


@pytest.mark.parametrize("part", ["heartbeat", "final"])
def test_an_agent_of_the_version_after_may_know_more(part: str) -> None:
    sent = as_sent(Push((), HEARTBEAT, FINAL))
    sent[part]["weather"] = "fine"
    assert Push.from_json(sent) == Push((), HEARTBEAT, FINAL)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_anything_else_is_refused_as_a_value_error(raw: object) -> None:
    for kind in (Push, Reply, StartReply):
        with pytest.raises(ValueError, match="must be"):
            kind.from_json(raw)


@given(st.sampled_from(["blocks", "heartbeat", "final"]), json_values)
def test_any_part_replaced_is_refused_or_read(part: str, raw: object) -> None:
    sent = changed([part], raw)
    try:
        push = Push.from_json(sent)
    except ValueError:
        return
    assert as_sent(push) == json.loads(json.dumps(sent))
