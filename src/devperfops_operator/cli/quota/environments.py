"""What is granted in the policy's two environments."""

from __future__ import annotations

import asyncio
from datetime import datetime

from devperfops_operator.adapters.kubernetes.quotas import read_namespace
from devperfops_operator.api.quota import Environment
from devperfops_operator.cli.extras import google_extra
from devperfops_operator.cli.quota.policy import Asked
from devperfops_operator.domain.quota.entry import Reading


def readings(asked: Asked, now: datetime) -> tuple[Reading, Reading]:
    """Of baseline and serving. Raises Trouble for files; what an API refuses is a fault of the reading."""
    spec = asked.policy.spec
    return asyncio.run(_both(asked, (spec.baseline, spec.serving), now))


async def _both(
    asked: Asked, wanted: tuple[Environment, Environment], now: datetime
) -> tuple[Reading, Reading]:
    baseline, serving = await asyncio.gather(*(_reading(asked, each, now) for each in wanted))
    return baseline, serving


async def _reading(asked: Asked, environment: Environment, now: datetime) -> Reading:
    if environment.kubernetes is not None:
        return await read_namespace(environment.name, environment.kubernetes, asked.terms.services, now)
    if environment.google is not None:
        with google_extra():
            from devperfops_operator.adapters.google import read_project  # noqa: PLC0415  a large package
        return await read_project(environment.name, environment.google, asked.terms.services, now)
    assert environment.file is not None  # noqa: S101  the model asks for one of them
    return asked.limits(environment.name, environment.file)
