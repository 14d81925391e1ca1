"""What is granted in the policy's two environments."""

from __future__ import annotations

import asyncio
from datetime import datetime

from devperfops_operator.adapters.kubernetes.quotas import read_namespace
from devperfops_operator.adapters.kubernetes.rate_limits import read_rate_limits
from devperfops_operator.api.quota_sources import Environment, EnvoyRateLimits
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.extras import aws_extra, azure_extra, google_extra
from devperfops_operator.cli.files import text_of
from devperfops_operator.cli.quota.policy import Asked
from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import Reading
from devperfops_operator.domain.quota.rate_limits import documents, rate_limits


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
    if environment.envoy is not None:
        return await _rate_limits(asked, environment.name, environment.envoy, now)
    if environment.google is not None:
        with google_extra():
            from devperfops_operator.adapters.google import read_project  # noqa: PLC0415  a large package
        return await read_project(environment.name, environment.google, asked.terms.services, now)
    if environment.aws is not None:
        with aws_extra():
            from devperfops_operator.adapters.aws import read_account  # noqa: PLC0415  an extra
        return await read_account(environment.name, environment.aws, asked.terms.services, now)
    if environment.azure is not None:
        with azure_extra():
            from devperfops_operator.adapters.azure import read_subscription  # noqa: PLC0415  an extra
        return await read_subscription(environment.name, environment.azure, asked.terms.services, now)
    assert environment.file is not None  # noqa: S101  the model asks for one of them
    return asked.limits(environment.name, environment.file)


async def _rate_limits(asked: Asked, name: str, where: EnvoyRateLimits, now: datetime) -> Reading:
    services = asked.terms.services
    if where.kubernetes is not None:
        return await read_rate_limits(name, where.kubernetes, services, now)
    paths = [asked.file.parent / each for each in where.files or ()]
    try:
        told = [documents(str(path), text_of(path)) for path in paths]
    except InvalidSpec as error:
        raise Trouble(f"{error}.") from error
    return rate_limits(name, told, services, now)
