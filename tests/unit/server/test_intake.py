"""Agents come with a token, a question or measurements, and get a coded answer."""

import asyncio
import io
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devperfops_operator.domain.errors import Refused
from devperfops_operator.server import body as bodies
from devperfops_operator.server.body import LIMIT_BYTES
from devperfops_operator.wire.measurement import (
    RUN_UID_HEADER,
    Block,
    Final,
    Heartbeat,
    JMeterState,
    LabelStats,
    LoadEnd,
    Push,
    blocks_path,
    start_path,
)
from tests.unit.server.conftest import NAMESPACE, NOW, RUN, UID, make_run

SECONDS = 30
BLOCKS, START = blocks_path(NAMESPACE, RUN, 0), start_path(NAMESPACE, RUN, 0)
STORED = {
    "index": 0,
    "rows": 2,
    "errors": 0,
    "judgedSamples": 2,
    "judgedErrors": 0,
    "blocks": 2,
    "end": "Completed",
}


def block(sequence: int, samples: int = 1, over: int = 0, thresholds: int = 1) -> Block:
    counted = {"over": [over] * thresholds, "censored_over": [0] * thresholds, "histogram": {40: samples}}
    stats = LabelStats(samples=samples, errors=0, **counted)
    return Block(sequence=sequence, second=1_764_000_000 + sequence, labels={"GET /": stats})


def push(*blocks: Block, final: bool = False) -> dict:
    end = Final(blocks=2, rows=2, errors=0, end=LoadEnd.COMPLETED, truncated=False)
    beat = Heartbeat(jmeter=JMeterState.RUNNING, rows=len(blocks), first_start_ms=None, last_end_ms=None)
    return Push(blocks=blocks, heartbeat=beat, final=end if final else None).to_json()


def judged_samples(operator) -> int:
    return sum(worker.judged_samples for worker in operator.evidence.view(UID).workers)


async def test_blocks_become_evidence_once(operator, token):
    operator.store(make_run())

    first = await operator.post(BLOCKS, push(block(0), block(1, samples=3)), token=token)
    resent = await operator.post(BLOCKS, push(block(0), block(1, samples=3), block(2)), token=token)

    assert first == (200, {"want": 2, "stop": False, "final_acknowledged": False})
    assert resent == (200, {"want": 3, "stop": False, "final_acknowledged": False})
    assert judged_samples(operator) == 5


async def test_the_decision_is_woken_by_what_may_change_it(operator, token):
    """Nothing else is waited for longer than to the next look, a second later."""
    operator.store(make_run())
    await operator.post(BLOCKS, push(*(block(n, samples=50) for n in range(10))), token=token)
    assert operator.woken == []

    slow = push(*(block(n, samples=50, over=50) for n in range(10, 40)))
    await operator.post(BLOCKS, slow, token=token)
    assert operator.woken == [(NAMESPACE, RUN)]

    await operator.post(BLOCKS, slow, token=token)
    assert operator.woken == [(NAMESPACE, RUN)]

    await operator.post(BLOCKS, push(final=True), token=token)
    assert operator.woken == [(NAMESPACE, RUN)] * 2


async def test_final_is_acknowledged_only_once_it_is_stored(operator, token):
    operator.store(make_run())
    before = await operator.post(BLOCKS, push(block(0), block(1), final=True), token=token)

    operator.store(make_run(workers=[STORED]))
    after = await operator.post(BLOCKS, push(final=True), token=token)

    assert before == (200, {"want": 2, "stop": False, "final_acknowledged": False})
    assert after == (200, {"want": 2, "stop": True, "final_acknowledged": True})
    assert operator.evidence.view(UID).workers[0].final is not None


async def test_an_agent_may_end_though_the_operator_has_forgotten_the_evidence(operator, token):
    operator.store(make_run(phase="Completed", verdict="Pass"), collecting=False)

    assert await operator.post(BLOCKS, push(final=True), token=token) == (
        200,
        {"want": 2, "stop": True, "final_acknowledged": True},
    )
    assert (await operator.post(BLOCKS, push(block(0)), token=token))[0] == 409


async def test_a_worker_whose_final_is_stored_delivers_nothing_more(operator, token):
    operator.store(make_run(workers=[STORED]))

    status, answer = await operator.post(BLOCKS, push(block(0)), token=token)

    assert (status, answer["message"]) == (409, f"run {RUN} wants nothing more of this worker: it may end")
    assert (await operator.post(START, token=token))[0] == 409
    assert judged_samples(operator) == 0
    assert operator.woken == []


@pytest.mark.parametrize(
    "decided",
    [{"verdict": "Fail"}, {"phase": "Judging"}, {"phase": "Acting", "verdict": "Inconclusive"}],
)
async def test_a_decided_run_stops_its_load_and_still_takes_what_comes(operator, token, decided):
    operator.store(make_run(**decided))

    status, answer = await operator.post(BLOCKS, push(block(0)), token=token)

    assert (status, answer["stop"]) == (200, True)
    assert judged_samples(operator) == 1


async def test_a_cancelled_run_stops_its_load(operator, token):
    run = make_run()
    operator.store(run.model_copy(update={"spec": run.spec.model_copy(update={"cancel": True})}))

    assert (await operator.post(BLOCKS, push(), token=token))[1]["stop"] is True


@pytest.mark.parametrize(
    ("start_at", "start_in_ms"),
    [(None, None), (timedelta(milliseconds=2500), 2500), (timedelta(seconds=-9), 0)],
)
async def test_prepare_is_told_when_to_begin(operator, token, start_at, start_in_ms):
    load = {"threads": 5} | ({} if start_at is None else {"startAt": (NOW + start_at).isoformat()})
    operator.store(make_run(phase="Starting", load=load))

    assert await operator.post(START, token=token) == (200, {"start_in_ms": start_in_ms})
    [worker] = operator.evidence.view(UID).workers
    assert worker.prepared
    assert operator.woken == [(NAMESPACE, RUN)]


@pytest.mark.parametrize("path", [BLOCKS, START])
async def test_a_restarted_operator_asks_to_send_again(operator, token, path):
    operator.store(make_run(), collecting=False)

    status, answer = await operator.post(path, push(block(0)), token=token)

    assert status == 503
    assert "send" in answer["message"]
    assert operator.woken == []


@pytest.mark.parametrize("path", [BLOCKS, START])
async def test_a_deleted_run_is_gone(operator, token, path):
    status, answer = await operator.post(path, push(), token=token)

    assert status == 410
    assert answer["message"] == f"there is no run {NAMESPACE}/{RUN} any more: its workers may end"


@pytest.mark.parametrize("path", [BLOCKS, START])
async def test_a_run_not_listed_yet_may_still_exist(operator, token, path):
    operator.ready = False

    status, answer = await operator.post(path, push(), token=token)

    assert (status, answer["message"]) == (503, "this operator does not know yet what there is: send again")


@pytest.mark.parametrize("path", [BLOCKS, START])
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer a b", "Bearer stranger"]
)
async def test_without_a_good_token_nobody_gets_in(operator, path, authorization):
    operator.store(make_run())
    headers = {} if authorization is None else {"Authorization": authorization}

    async with operator.client.post(path, json=push(block(0)), headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert "stranger" not in await response.text()

    assert judged_samples(operator) == 0


@pytest.mark.parametrize("path", [BLOCKS, START])
@pytest.mark.parametrize(
    ("pod", "namespace"),
    [
        (f"{RUN}-0-x7k2p", "elsewhere"),
        (f"{RUN}-1-x7k2p", NAMESPACE),
        (f"{RUN}0-0-x7k2p", NAMESPACE),
        (f"{RUN}-0-0-x7k2p", NAMESPACE),
        (f"{RUN}-0-", NAMESPACE),
        (f"{RUN}-0", NAMESPACE),
        (f"x{RUN}-0-x7k2p", NAMESPACE),
        ("front-end-7d4b9c-x7k2p", NAMESPACE),
    ],
)
async def test_only_the_workers_own_pod_may_speak_for_it(operator, path, pod, namespace):
    operator.store(make_run())

    status, answer = await operator.post(path, push(block(0)), token=operator.tokens.issue(pod, namespace))

    assert status == 403
    assert answer["message"] == f"pod {namespace}/{pod} is not worker 0 of run {NAMESPACE}/{RUN}"
    assert operator.evidence.view(UID).workers == ()


@pytest.mark.parametrize("path", [start_path, blocks_path])
async def test_a_pod_with_the_name_of_a_worker_there_is_not_adds_nothing(operator, path):
    """Whoever may make pods in a namespace may name them so, and fill the operator's memory."""
    operator.store(make_run())
    stranger = operator.tokens.issue(f"{RUN}-70000-abcde")

    status, answer = await operator.post(path(NAMESPACE, RUN, 70_000), push(block(0)), token=stranger)

    assert status == 400
    assert "none is number 70000" in answer["message"]
    assert operator.evidence.view(UID).workers == ()


@pytest.mark.parametrize("path", [BLOCKS, START])
async def test_a_worker_of_a_deleted_run_is_none_of_the_run_that_has_its_name_now(operator, token, path):
    operator.store(make_run(uid="22bb"))

    status, answer = await operator.post(path, push(block(0), final=True), token=token)

    assert status == 409
    assert "of the same name" in answer["message"]
    assert operator.evidence.view("22bb").workers == ()
    assert operator.woken == []


async def test_a_dot_in_a_runs_name_stands_for_itself(operator):
    operator.store(make_run(name="night.ly"))
    path = start_path(NAMESPACE, "night.ly", 0)

    assert (await operator.post(path, token=operator.tokens.issue("night.ly-0-x7k2p")))[0] == 200
    assert (await operator.post(path, token=operator.tokens.issue("nightxly-0-x7k2p")))[0] == 403


async def test_the_api_server_away_is_not_the_agents_fault(operator, token):
    operator.store(make_run())
    operator.tokens.away = True

    status, answer = await operator.post(BLOCKS, push(), token=token)

    assert (status, answer["message"]) == (503, "the API server does not answer")


async def test_an_operator_that_may_not_review_tokens_says_so(operator, token, monkeypatch):
    operator.store(make_run())

    async def forbidden(_: str):
        raise Refused("Forbidden", "cannot create resource tokenreviews")

    monkeypatch.setattr(operator.tokens, "review", forbidden)

    status, answer = await operator.post(START, token=token)

    assert (status, answer["message"]) == (503, "cannot create resource tokenreviews")


async def test_a_large_body_does_not_hold_up_the_others(operator, token, monkeypatch):
    operator.store(make_run())
    taking_apart, answered, parse = threading.Event(), threading.Event(), bodies._parse

    def slow_parse(text: bytes) -> dict[str, Any]:
        if len(text) == size:
            taking_apart.set()
            assert answered.wait(SECONDS), "nobody else was answered meanwhile"
        return parse(text)

    monkeypatch.setattr(bodies, "_parse", slow_parse)
    stats = {"samples": 8, "errors": 0, "over": [0], "censored_over": [0]}
    label = {**stats, "histogram": dict.fromkeys(map(str, range(8)), 1), "failed": {}}
    labels = {f"GET /{number}": label for number in range(900)}
    body = {**push(), "blocks": [{**push(block(0))["blocks"][0], "labels": labels}]}
    text = json.dumps(body).encode()
    size = len(text)
    assert bodies._SMALL_BYTES < size < LIMIT_BYTES

    sending = operator.client.post(BLOCKS, data=io.BytesIO(text), headers=_bearer(token))
    sent = asyncio.create_task(sending)
    assert await asyncio.to_thread(taking_apart.wait, SECONDS)
    status, _ = await operator.post(BLOCKS, push(block(1)), token=token)
    answered.set()

    assert status == 200
    assert (await sent).status == 200


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(operator, token):
    operator.store(make_run())

    status, text = await _send_raw(operator, token, headers={"Content-Length": str(LIMIT_BYTES + 1)})

    assert status == 413
    assert str(LIMIT_BYTES) in text


async def test_a_body_over_the_limit_is_refused_when_its_length_is_not_told(operator, token):
    operator.store(make_run())

    async def endless():
        for _ in range(LIMIT_BYTES // 65536 + 2):
            yield b" " * 65536

    async with operator.client.post(BLOCKS, data=endless(), headers=_bearer(token)) as response:
        assert response.status == 413


async def test_a_body_that_does_not_arrive_is_not_waited_for(operator, token, monkeypatch):
    operator.store(make_run())
    monkeypatch.setattr(bodies, "_LIMIT_S", 0.05)

    status, text = await _send_raw(operator, token, headers={"Content-Length": "2"})

    assert status == 408
    assert "did not arrive" in text


async def test_a_small_body_that_unpacks_over_the_limit_is_refused(operator, token):
    operator.store(make_run())

    async with operator.client.post(
        BLOCKS, data=io.BytesIO(b" " * (LIMIT_BYTES + 1)), headers=_bearer(token), compress="gzip"
    ) as response:
        assert response.status == 413


async def test_a_body_that_does_not_unpack_is_malformed(operator, token):
    operator.store(make_run())
    headers = {**_bearer(token), "Content-Encoding": "gzip"}

    async with operator.client.post(BLOCKS, data=b"{}", headers=headers) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe{}", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"blocks": ' + b"9" * 5000 + b"}", "the body is not JSON"),
        (b"[]", "the body must be a JSON object"),
        (b"null", "the body must be a JSON object"),
        (b"{}", "the body is not a push"),
        (b'{"blocks": [], "heartbeat": null}', "the body is not a push"),
        (b'{"blocks": [{}], "heartbeat": {}}', "the body is not a push"),
    ],
)
async def test_a_malformed_body_is_refused_with_a_sentence(operator, token, body, sentence):
    operator.store(make_run())

    async with operator.client.post(BLOCKS, data=body, headers=_bearer(token)) as response:
        assert response.status == 400
        assert sentence in (await response.json())["message"]

    assert operator.woken == []


async def test_blocks_of_another_plan_are_refused(operator, token):
    operator.store(make_run())

    status, answer = await operator.post(BLOCKS, push(block(0, thresholds=2)), token=token)

    assert status == 400
    assert "these blocks do not fit the run" in answer["message"]
    assert judged_samples(operator) == 0


async def test_a_time_beyond_all_calendars_is_refused(operator, token):
    operator.store(make_run())
    body = push(block(0))
    body["heartbeat"]["first_start_ms"] = 2**53 - 1

    assert (await operator.post(BLOCKS, body, token=token))[0] == 400
    assert judged_samples(operator) == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def damaged_pushes(draw) -> dict:
    """A good push with one value, at any depth, exchanged for any other."""
    whole = json.loads(json.dumps(push(block(0), final=True)))
    place, key = whole, draw(st.sampled_from(sorted(whole)))
    while isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    place[key] = draw(json_values)
    return whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=json_values | damaged_pushes())
async def test_no_body_breaks_the_server(operator, token, body):
    operator.store(make_run())

    async with operator.client.post(BLOCKS, data=json.dumps(body), headers=_bearer(token)) as response:
        assert response.status in {200, 400}
        assert (await response.json()).keys() in ({"message"}, {"want", "stop", "final_acknowledged"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", BLOCKS, 405),
        ("POST", BLOCKS.replace("/0/", "/x/"), 404),
        ("POST", BLOCKS.replace("/0/", "/-1/"), 404),
        ("POST", BLOCKS.replace("/v1/", "/v2/"), 404),
        ("POST", f"{BLOCKS}/more", 404),
    ],
)
async def test_other_paths_do_not_exist(operator, token, method, path, status):
    async with operator.client.request(method, path, headers=_bearer(token)) as response:
        assert response.status == status
        assert path in (await response.json())["message"]


async def test_tokens_stay_out_of_answers_and_logs(operator, token, caplog):
    caplog.set_level("DEBUG")
    operator.store(make_run())
    operator.store(make_run(name="broken", uid="none"), collecting=False)
    stranger = operator.tokens.issue("stranger-0-x7k2p")

    answers = [
        await operator.post(BLOCKS, push(block(0)), token=token),
        await operator.post(BLOCKS, push(), token=stranger),
        await operator.post(BLOCKS, {"blocks": 1}, token=token),
        await operator.post(BLOCKS, push(), token="unheard-of"),
    ]

    assert [status for status, _ in answers] == [200, 403, 400, 401]
    for secret in (token, stranger, "unheard-of"):
        assert secret not in str(answers)
        assert secret not in caplog.text


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _send_raw(operator, token: str, *, headers: dict[str, str]) -> tuple[int, str]:
    """Only the head of a request, and what comes back."""
    reader, writer = await asyncio.open_connection(operator.client.host, operator.client.port)
    try:
        lines = {"Host": "operator", RUN_UID_HEADER: UID, **_bearer(token), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"POST {BLOCKS} HTTP/1.1\r\n{head}\r\n".encode())
        answer_head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in answer_head.lower().splitlines() if line.startswith("content-length:"))
        return int(answer_head.split()[1]), (await reader.readexactly(int(length.split()[1]))).decode()
    finally:
        writer.close()
