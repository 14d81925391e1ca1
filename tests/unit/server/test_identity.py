"""Tokens are reviewed rarely, remembered briefly, and never kept."""

import asyncio

import pytest

from devperfops_operator.domain.errors import Unauthenticated, Unavailable
from devperfops_operator.domain.ports import PodIdentity
from devperfops_operator.server.identity import CAPACITY, LIFETIME_S, Identities, bearer_token
from tests.unit.server.conftest import NAMESPACE, RUN, KnownTokens


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens() -> KnownTokens:
    return KnownTokens()


@pytest.fixture
def identities(tokens, clock) -> Identities:
    return Identities(tokens, clock=clock)


async def test_a_token_is_reviewed_once_a_minute(identities, tokens, clock):
    token = tokens.issue(f"{RUN}-0-x7k2p")

    first = await identities.of(token)
    clock.now += LIFETIME_S - 0.1
    again = await identities.of(token)
    assert (first, again, tokens.reviews) == (tokens.issued[token], first, 1)

    del tokens.issued[token]  # its pod is gone
    clock.now += 0.1
    with pytest.raises(Unauthenticated):
        await identities.of(token)


async def test_refusals_are_not_remembered(identities, tokens):
    with pytest.raises(Unauthenticated):
        await identities.of("early")
    tokens.issued["early"] = PodIdentity(NAMESPACE, f"{RUN}-0-x7k2p", "uid")

    assert (await identities.of("early")).pod == f"{RUN}-0-x7k2p"


async def test_no_answer_is_not_remembered_either(identities, tokens):
    token = tokens.issue(f"{RUN}-0-x7k2p")
    tokens.away = True
    with pytest.raises(Unavailable):
        await identities.of(token)
    tokens.away = False

    assert await identities.of(token) == tokens.issued[token]


async def test_the_memory_is_bounded_and_keeps_who_came_last(identities, tokens):
    many = [tokens.issue(f"{RUN}-{index}-x7k2p") for index in range(CAPACITY)]
    for token in [*many, many[0], tokens.issue("one-more-0-x7k2p")]:
        await identities.of(token)
    reviewed = tokens.reviews

    await identities.of(many[0])
    assert tokens.reviews == reviewed, "used again, so not the oldest"
    await identities.of(many[1])
    assert tokens.reviews == reviewed + 1, "the oldest had to go"


async def test_strangers_neither_flood_the_api_server_nor_shut_out_the_known():
    class Slow(KnownTokens):
        def __init__(self) -> None:
            super().__init__()
            self.at_once = self.most = 0
            self.busy, self.answer = asyncio.Event(), asyncio.Event()

        async def review(self, token: str) -> PodIdentity:
            if token in self.issued:
                return self.issued[token]
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            if self.at_once == 16:
                self.busy.set()
            await self.answer.wait()
            self.at_once -= 1
            raise Unauthenticated("no")

    tokens = Slow()
    identities = Identities(tokens)
    known = tokens.issue(f"{RUN}-0-x7k2p")
    await identities.of(known)

    async def knock(number: int) -> None:
        with pytest.raises(Unauthenticated):
            await identities.of(f"stranger-{number}")

    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(knock(number))
        await tokens.busy.wait()
        assert await identities.of(known) == tokens.issued[known]
        tokens.answer.set()

    assert tokens.most == 16


@pytest.mark.parametrize("header", ["Bearer abc.DEF-_~+/=", "bearer abc.DEF-_~+/="])
def test_the_scheme_is_not_case_sensitive(header):
    assert bearer_token(header) == "abc.DEF-_~+/="
