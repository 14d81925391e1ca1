"""What AWS says when it will not, in our own terms."""

from __future__ import annotations

from typing import Final

import httpx

_MOST: Final = 300
_THROTTLED: Final = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
    }
)
_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_FORBIDDEN: Final = 403


class AwsError(Exception):
    """An answer that is none. `code`: AWS's name for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code or status}: {message}" if message else code or f"HTTP {status}")
        self.status = status
        self.code = code

    @property
    def is_about_credentials(self) -> bool:
        return self.code in _CREDENTIALS

    @property
    def is_refusal(self) -> bool:
        return self.status == _FORBIDDEN or self.code.startswith("AccessDenied")

    @property
    def passes(self) -> bool:
        """Whether the same may be answered later."""
        return self.code in _THROTTLED or self.status == httpx.codes.TOO_MANY_REQUESTS or self.status >= 500  # noqa: PLR2004  of the server's side


def aws_error(answer: httpx.Response) -> AwsError:
    """Of an answer of at least 400. A wrong signature is told in one line: the others hold the token."""
    try:
        content = answer.json()
    except ValueError:
        content = {}
    told = content if isinstance(content, dict) else {}
    code = str(answer.headers.get("x-amzn-errortype") or told.get("__type") or "")
    message = str(told.get("message") or told.get("Message") or "").partition("\n")[0]
    return AwsError(answer.status_code, code.partition(":")[0].rpartition("#")[2], message[:_MOST])
