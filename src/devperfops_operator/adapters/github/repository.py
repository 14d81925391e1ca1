"""One repository by GitHub's REST API (docs.github.com/rest: repos, contents, git/refs, pulls)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from devperfops_operator.domain.errors import Conflict, DevPerfOpsError, Refused, Unavailable

Raw = Mapping[str, Any]

_HEADERS: Final = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "devperfops",
}
_TIMEOUT_SECONDS: Final = 20.0
_REDIRECT, _CONFLICT, _UNPROCESSABLE, _SERVER = 300, 409, 422, 500
_LATER: Final = frozenset({408, 429})
_REMEDIES: Final = {
    401: "GitHub does not take the token: make another one",
    403: "give the token the permissions contents and pull requests, read and write",
    404: "correct repository, path and base, or give the token this repository",
}


class UnprocessableError(Refused):
    """Status 422, of which only the words tell what was wrong."""


@dataclass(frozen=True, slots=True)
class File:
    """`sha`: of the content, by which GitHub knows whether somebody was faster."""

    text: str
    sha: str


@contextmanager
def opened(api: str, name: str, token: str) -> Iterator[Repository]:
    """The repository `owner/name`; `api`: GitHub's address, without a slash at its end."""
    headers = {**_HEADERS, "Authorization": f"Bearer {token}"}
    with httpx.Client(headers=headers, timeout=_TIMEOUT_SECONDS) as http:
        yield Repository(http, api, name)


class Repository:
    """Every method may raise Refused, Conflict or Unavailable, with what to do."""

    def __init__(self, http: httpx.Client, api: str, name: str) -> None:
        self._http = http
        self._address = (
            f"{api}/repos/{name}"  # no base_url: that ends with a slash, which GitHub does not know
        )
        self.name = name

    def default_branch(self) -> str:
        return str(self._ask("GET", "")["default_branch"])

    def file(self, path: str, branch: str) -> File:
        """As it is on the branch."""
        told = self._ask("GET", f"/contents/{quote(path)}", params={"ref": branch})
        if not isinstance(told, dict) or told.get("type") != "file" or told.get("encoding") != "base64":
            raise Refused("NoFile", f"{self.name}: {path} is no file of less than 1 MB")
        try:
            return File(base64.b64decode(told["content"]).decode(), told["sha"])
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refused("NoText", f"{self.name}: {path} is no text in UTF-8") from error

    def create_branch(self, branch: str, base: str) -> None:
        """From what `base` is now; done if it is there already."""
        at = self._ask("GET", f"/git/ref/heads/{quote(base)}")["object"]["sha"]
        try:
            self._ask("POST", "/git/refs", json={"ref": f"refs/heads/{branch}", "sha": at})
        except UnprocessableError as error:
            if "already exists" not in str(error):
                raise

    def write(self, path: str, branch: str, text: str, over: File, message: str) -> None:
        """A commit on the branch. Raises Conflict if the file is another one than `over` by now."""
        body = {
            "message": message,
            "content": base64.b64encode(text.encode()).decode(),
            "sha": over.sha,
            "branch": branch,
        }
        self._ask("PUT", f"/contents/{quote(path)}", json=body)

    def pulls(self, branch: str, base: str) -> Sequence[Raw]:
        """From the branch, of any state, the newest first."""
        head = f"{self.name.partition('/')[0]}:{branch}"
        found: Sequence[Raw] = self._ask("GET", "/pulls", params={"head": head, "base": base, "state": "all"})
        return found

    def open_pull(self, branch: str, base: str, title: str, body: str) -> Raw | None:
        """None: there is one already."""
        asked = {"title": title, "head": branch, "base": base, "body": body}
        try:
            created: Raw = self._ask("POST", "/pulls", json=asked)
        except UnprocessableError as error:
            if "already exists" in str(error):
                return None
            raise
        return created

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        doing = f"{method} {self.name}{path}"
        try:
            answer = self._http.request(method, self._address + path, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"{doing}: GitHub cannot be reached: {error or type(error).__name__}"
            ) from error
        if answer.status_code >= _REDIRECT:
            raise _failure(doing, answer)
        try:
            return answer.json()
        except ValueError as error:
            raise Refused("NoJson", f"{doing}: that is not GitHub's API: correct --api") from error


def _failure(doing: str, answer: httpx.Response) -> DevPerfOpsError:
    status, told = answer.status_code, f"{doing}: {_message(answer)}"
    if status in _LATER or status >= _SERVER or answer.headers.get("x-ratelimit-remaining") == "0":
        return Unavailable(f"{told}: do it again later")
    if status == _CONFLICT:
        return Conflict(f"{told}: somebody changed it meanwhile: do it again")
    if status == _UNPROCESSABLE:
        return UnprocessableError("Unprocessable", told)
    remedy = _REMEDIES.get(status)
    return Refused(f"HTTP{status}", f"{told}: {remedy}" if remedy else told)


def _message(answer: httpx.Response) -> str:
    """What GitHub says; the parts of a 422 have the reason."""
    try:
        told = answer.json()
        parts = [told["message"], *(each.get("message", "") for each in told.get("errors") or ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"status {answer.status_code}"
    return "; ".join(" ".join(str(part).split()) for part in parts if part)
