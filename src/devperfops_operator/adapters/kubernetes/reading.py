"""Reading as a context of a kubeconfig may, with what it says when it may not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from yaml import YAMLError

from devperfops_operator.adapters.kubernetes.cluster import Cluster
from devperfops_operator.adapters.kubernetes.connection import Connection, connect
from devperfops_operator.domain.errors import DevPerfOpsError, Refused, Unavailable
from devperfops_operator.domain.quota.entry import Fault, Reading

Answer = TypeVar("Answer")


class InContext(Protocol):
    """Whatever is read through a context of a kubeconfig."""

    @property
    def context(self) -> str: ...

    @property
    def kubeconfig(self) -> str | None: ...


UNUSABLE: Final = (DevPerfOpsError, YAMLError, TypeError, ValueError, LookupError)
"""What a context raises that cannot be used."""

_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.5
_KUBECONFIG: Final = "~/.kube/config"


async def connection(context: str, kubeconfig: str | None) -> Connection:
    path = kubeconfig or os.environ.get("KUBECONFIG") or _KUBECONFIG
    return await connect(os.path.expanduser(path), context=context)  # noqa: ASYNC240, PTH111  reads no file


async def read(name: str, where: InContext, ask: Callable[[Cluster], Awaitable[Reading]]) -> Reading:
    """The environment of that name, which `ask` reads; a context that cannot be used is a fault of it."""
    try:
        opened = await connection(where.context, where.kubeconfig)
    except UNUSABLE as error:
        return Reading(name, (), [unusable(where.context, error)])
    try:
        return await ask(Cluster(opened))
    finally:
        await opened.close()


def unusable(context: str, error: Exception) -> Fault:
    remedy = "set KUBECONFIG, or correct context and kubeconfig in the policy"
    return Fault("", f"context {context} cannot be used: {error}", remedy)


async def expect_namespace(cluster: Cluster, context: str, namespace: str) -> None:
    """Nothing can be listed in one that is not there, and nothing would be limited."""
    if await answered(lambda: cluster.get("Namespace", None, namespace)) is None:
        raise Refused("NotFound", f"{context} has no namespace {namespace}")


async def answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of the last of some attempts, if the others were in vain."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(_PAUSE_SECONDS * attempt)
    return await ask()


def fault(service: str, error: Exception) -> Fault:
    remedy = "check again when the API server answers"
    if isinstance(error, Refused):
        remedy = "let the context's user read it (docs/quota.md has the role), or name the right namespace"
    return Fault(service, str(error), remedy)
