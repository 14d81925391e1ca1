"""Google's client for one API, by the application's default credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import google.auth
import google_auth_httplib2
import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.discovery import build, build_from_document
from googleapiclient.errors import HttpError

from devperfops_operator.domain.errors import InvalidSpec
from devperfops_operator.domain.quota.entry import Fault

Raw = Mapping[str, Any]

CLOUD: Final = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_SECONDS: Final = 20
_RETRIES: Final = 2
"""Of what fails on the way or on the server's side (5xx, 429)."""
_PAGE: Final = 100


class PartialError(Exception):
    """A page says that it has not all."""


FAILURES: Final = (HttpError, GoogleAuthError, httplib2.HttpLib2Error, OSError, PartialError)


def connected(
    endpoint: str | None, scope: str, *, api: tuple[str, str] | None = None, document: Any = None
) -> Any:
    """`api`: name and version of one that the client brings a description of; or a `document` of ours."""
    credentials, _ = google.auth.default(scopes=[scope])
    http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=_TIMEOUT_SECONDS))
    options = {"api_endpoint": endpoint} if endpoint else {}
    if api is None:
        return build_from_document(document, http=http, client_options=options)
    return build(*api, http=http, static_discovery=True, client_options=options)


def elements(collection: Any, key: str, **arguments: Any) -> Iterator[Raw]:
    """Of all pages of a list."""
    request = collection.list(pageSize=_PAGE, **arguments)
    while request is not None:
        page = request.execute(num_retries=_RETRIES)
        if page.get("unreachable"):
            raise PartialError(f"not reached: {', '.join(page['unreachable'])}")
        yield from page.get(key, ())
        request = collection.list_next(request, page)


def fault(service: str, error: Exception) -> Fault:
    if isinstance(error, HttpError):
        cause = f"{error.status_code}: {error.reason}"
        if error.status_code in {401, 403, 404}:
            remedy = (
                "give the credentials the right to read quota (docs/quota.md), or correct project and service"
            )
            return Fault(service, cause, remedy)
        return Fault(service, cause, "check again when the API answers")
    if isinstance(error, GoogleAuthError):
        return Fault(service, f"no credentials: {error}", "run gcloud auth application-default login")
    if isinstance(error, InvalidSpec):
        return Fault(service, str(error), "leave the service out of spec.services, and report it")
    if isinstance(error, PartialError):
        return Fault(service, str(error), "check again when the API answers")
    return Fault(
        service, f"the API cannot be reached: {error or type(error).__name__}", "check again when it can"
    )
