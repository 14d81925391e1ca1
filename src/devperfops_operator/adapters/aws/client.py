"""Requests to AWS: credentials and signatures by AWS's Common Runtime, pages and retries here. Only reads.

Why not boto3: docs/adr/0063.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from fractions import Fraction
from typing import Any, Final

import httpx
from awscrt.auth import AwsCredentialsProvider, AwsSigningConfig, aws_sign_request
from awscrt.exceptions import AwsCrtError
from awscrt.http import HttpHeaders, HttpRequest

from devperfops_operator.adapters.aws.failures import AwsError, aws_error
from devperfops_operator.api.quota_sources import AwsAccount

Raw = Mapping[str, Any]

_TIMEOUT_SECONDS: Final = 20
_ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 0.5
"""Before the second attempt, twice as long before each further one."""
_LONGEST_PAUSE: Final = 20.0
_SERVICE_QUOTAS: Final = "ServiceQuotasV20190624"
_PAGE: Final = 100
_GATEWAY_PAGE: Final = 500
_SIGNED: Final = ("host", "content-type", "x-amz-target")


class NoCredentialsError(Exception):
    """None were found here."""


class Signature(httpx.Auth):
    """Signs each request anew: the time is part of it."""

    requires_request_body = True

    def __init__(self, credentials: AwsCredentialsProvider, region: str, service: str) -> None:
        self._of = {"credentials_provider": credentials, "region": region, "service": service}

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        headers = HttpHeaders([(name, request.headers[name]) for name in _SIGNED if name in request.headers])
        body = io.BytesIO(request.content) if request.content else None
        unsigned = HttpRequest(request.method, request.url.raw_path.decode(), headers, body)
        try:
            signed = await asyncio.wrap_future(aws_sign_request(unsigned, AwsSigningConfig(**self._of)))
        except AwsCrtError as error:
            raise NoCredentialsError(error.message) from error
        request.headers.update(list(signed.headers))
        yield request


class Account:
    """One account, by the credentials that are found here. Raises NoCredentialsError, also when it asks."""

    def __init__(self, where: AwsAccount) -> None:
        self._endpoint = where.endpoint
        self._credentials = _credentials(where.profile)
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)

    async def close(self) -> None:
        await self._http.aclose()

    async def service_quotas(self, region: str, action: str, key: str, **arguments: str) -> list[Raw]:
        """`key`: where the elements of each page stand."""
        return [each async for each in self._quota_pages(region, action, key, arguments)]

    async def gateway(self, region: str, path: str) -> list[Raw]:
        """All elements of a collection of API Gateway."""
        return [each async for each in self._gateway_pages(region, path)]

    async def _quota_pages(
        self, region: str, action: str, key: str, arguments: Mapping[str, str]
    ) -> AsyncIterator[Raw]:
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{_SERVICE_QUOTAS}.{action}",
        }
        following: dict[str, str] = {}
        while True:
            body = {**arguments, **following, "MaxResults": _PAGE}
            page = await self._ask(region, "servicequotas", "POST", "/", json=body, headers=headers)
            for each in page[key]:
                yield each
            following = _further(following, "NextToken", page.get("NextToken"))
            if not following:
                return

    async def _gateway_pages(self, region: str, path: str) -> AsyncIterator[Raw]:
        following: dict[str, str] = {}
        while True:
            query = {"limit": str(_GATEWAY_PAGE), **following}
            headers = {"accept": "application/json"}  # else it answers in HAL
            page = await self._ask(region, "apigateway", "GET", path, params=query, headers=headers)
            for each in page.get("item") or ():
                yield each
            following = _further(following, "position", page.get("position"))
            if not following:
                return

    async def _ask(self, region: str, service: str, method: str, path: str, **more: Any) -> Any:
        url = f"{self._endpoint or _address(service, region)}{path}"
        signature = Signature(self._credentials, region, service)
        for attempt in range(1, _ATTEMPTS):
            pause = _PAUSE_SECONDS * 2 ** (attempt - 1)
            try:
                answer = await self._http.request(method, url, auth=signature, **more)
            except httpx.TransportError:
                pass
            else:
                if answer.is_success or not aws_error(answer).passes:
                    return _content(answer)
                pause = _asked_pause(answer, pause)
            await asyncio.sleep(pause)
        return _content(await self._http.request(method, url, auth=signature, **more))


def _credentials(profile: str | None) -> AwsCredentialsProvider:
    """Those of the profile, or of the chain that AWS's tools go along. Raises NoCredentialsError."""
    if profile is None:
        return AwsCredentialsProvider.new_default_chain()
    try:
        return AwsCredentialsProvider.new_profile(profile_name=profile)
    except (AwsCrtError, RuntimeError) as error:
        raise NoCredentialsError(f"there is no profile {profile} that can be used") from error


def _address(service: str, region: str) -> str:
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{domain}"


def _content(answer: httpx.Response) -> Any:
    """Exact: AWS writes whole numbers with a point. Raises AwsError."""
    if not answer.is_success:
        raise aws_error(answer)
    return answer.json(parse_float=Fraction)


def _asked_pause(answer: httpx.Response, otherwise: float) -> float:
    try:
        return min(float(answer.headers["retry-after"]), _LONGEST_PAUSE)
    except (KeyError, ValueError):
        return otherwise


def _further(now: Mapping[str, str], field: str, token: str | None) -> dict[str, str]:
    """What leads to the page behind this one; empty: there is none. Raises AwsError if it is the same."""
    if not token:
        return {}
    if now.get(field) == token:
        raise AwsError(httpx.codes.OK, "", "the page after a page is that page")
    return {field: token}
