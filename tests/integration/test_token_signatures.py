"""Agents' tokens without TokenReview: read by a ServiceAccount that nobody has given any right."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from devperfops_operator.adapters.kubernetes import Connection, connect
from devperfops_operator.adapters.kubernetes.signatures import TokenVerifier
from devperfops_operator.domain.errors import Unauthenticated, Unavailable
from hack.kube import Kube
from tests.integration.world import as_service_account, changed_kubeconfig, request_token, sockets_closed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def tidy() -> AsyncIterator[None]:
    yield
    await sockets_closed()


@pytest.fixture
async def admin(api_server: Path) -> AsyncIterator[Connection]:
    connection = await connect(str(api_server))
    yield connection
    await connection.close()


@pytest.fixture
def pod(kube: Kube, namespace: str) -> dict[str, Any]:
    account = {"name": "agent", "namespace": namespace}
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    spec = {"serviceAccountName": "agent", "containers": [{"name": "jmeter", "image": "jmeter:1"}]}
    metadata = {"name": "front-end-1-0-abcde", "namespace": namespace}
    return kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


@pytest.fixture
async def powerless(
    kube: Kube, namespace: str, pod: dict[str, Any], tmp_path: Path
) -> AsyncIterator[Connection]:
    async with as_service_account(kube, pod["spec"]["serviceAccountName"], namespace, tmp_path) as connection:
        yield connection


@pytest.fixture
def verifier(powerless: Connection) -> TokenVerifier:
    return TokenVerifier(powerless)


@pytest.fixture
async def token(admin: Connection, namespace: str, pod: dict[str, Any]) -> str:
    return await request_token(admin, namespace, "devperfops", pod)


async def test_a_token_proves_which_pod_has_it(
    verifier: TokenVerifier, token: str, namespace: str, pod: dict[str, Any]
) -> None:
    identity = await verifier.review(token)

    assert (identity.namespace, identity.pod) == (namespace, "front-end-1-0-abcde")
    assert identity.pod_uid == pod["metadata"]["uid"]


async def test_a_token_for_another_audience_proves_nothing(
    verifier: TokenVerifier, admin: Connection, namespace: str, pod: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated, match="audience devperfops"):
        await verifier.review(await request_token(admin, namespace, "somebody-else", pod))


async def test_a_token_that_is_bound_to_no_pod_proves_nothing(
    verifier: TokenVerifier, admin: Connection, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/agent/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": ["devperfops"]},
    }
    answer = await admin.request("POST", path, body=body)
    with pytest.raises(Unauthenticated, match="bound to a pod"):
        await verifier.review(answer["status"]["token"])


async def test_forgeries_prove_nothing(verifier: TokenVerifier, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    name = {"kid": jwt.get_unverified_header(token)["kid"]}
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = {
        "by another key of the same name": jwt.encode(claims, own, "RS256", headers=name),
        "by another key": jwt.encode(claims, own, "RS256", headers={"kid": "mine"}),
        "by a shared secret": jwt.encode(claims, "s" * 64, "HS256", headers=name),
        "not at all": jwt.encode(claims, None, "none", headers=name),
        "with other claims": _with_claims(token, jwt.encode({**claims, "sub": "me"}, own, "RS256")),
        "nonsense": "nonsense",
    }
    believed = [how for how, text in forged.items() if await _believes(verifier, text)]
    assert believed == []


async def _believes(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.review(token)
    except Unauthenticated:
        return False
    return True


def _with_claims(token: str, other: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{other.split('.')[1]}.{signature}"


async def test_an_expired_token_proves_nothing(
    verifier: TokenVerifier, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await verifier.review(token)
    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert expires > time.time()
    monkeypatch.setattr("jwt.api_jwt.datetime", _clock_at(expires + 60))
    with pytest.raises(Unauthenticated, match="expired"):
        await verifier.review(token)


def _clock_at(moment: float) -> Any:
    """`datetime` as PyJWT uses it: for the present moment."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(moment, tz)

    return Clock


async def test_strangers_cannot_make_it_ask_again_and_again(
    powerless: Connection, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    request = powerless.request

    async def counted(method: str, path: str, **arguments: Any) -> dict[str, Any]:
        asked.append(path)
        return await request(method, path, **arguments)

    monkeypatch.setattr(powerless, "request", counted)
    verifier = TokenVerifier(powerless)
    await verifier.review(token)
    for number in range(20):
        with pytest.raises(Unauthenticated, match="not the API server's"):
            await verifier.review(jwt.encode({}, "s" * 64, "HS256", headers={"kid": f"key-{number}"}))
    assert len(asked) == 2, "the discovery document and the keys, once"


async def test_an_api_server_that_is_away_is_no_judgement(
    token: str, api_server: Path, tmp_path: Path
) -> None:
    away = await connect(changed_kubeconfig(api_server, tmp_path, cluster={"server": "https://127.0.0.1:9"}))
    try:
        with pytest.raises(Unavailable):
            await TokenVerifier(away).review(token)
    finally:
        await away.close()
