"""GitHub's rules for branches, contents and pull requests, on this machine.

As documented (docs.github.com/rest: git/refs, repos/contents, pulls) and as it answers: 401, 403, 404, 409 for
another sha, 422 for a branch or pull request that is there, and for one without a commit.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.unit.adapters.loopback import Answer, Request

TOKEN = "ghs_0123456789abcdef"


def _sha(*parts: str) -> str:
    return hashlib.sha1("\0".join(parts).encode()).hexdigest()


@dataclass
class GitHub:
    """`before`: asked with each request; its answer is given instead, if there is one."""

    files: dict[str, str]
    writes: bool = True
    branches: dict[str, dict[str, str]] = field(default_factory=dict)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    before: Callable[[Request], Answer | None] = lambda _: None
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.branches["main"] = dict(self.files)

    def answer(self, request: Request) -> Answer:
        self.seen.append(f"{request.method} {request.path.removeprefix('/repos/acme/infra')}")
        if (told := self.before(request)) is not None:
            return told
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no(401, "Bad credentials")
        if not request.path.startswith("/repos/acme/infra"):
            return _no(404, "Not Found")
        if request.method != "GET" and not self.writes:
            return _no(403, "Resource not accessible by personal access token")
        path = unquote(request.path.removeprefix("/repos/acme/infra"))
        return self._route(request, path)

    def _route(self, request: Request, path: str) -> Answer:  # noqa: PLR0911  one for each route
        match request.method, path.split("/", 2)[1:]:
            case "GET", []:
                return Answer(200, {"default_branch": "main"})
            case "GET", ["git", ref] if ref.startswith("ref/heads/"):
                branch = ref.removeprefix("ref/heads/")
                known = branch in self.branches
                return (
                    Answer(200, {"object": {"sha": self._head(branch)}}) if known else _no(404, "Not Found")
                )
            case "POST", ["git", "refs"]:
                return self._create(request.content)
            case "GET", ["contents", name]:
                return self._read(name, request.query["ref"])
            case "PUT", ["contents", name]:
                return self._write(name, request.content)
            case "GET", ["pulls"]:
                found = [each for each in self.pulls if each["head"]["label"] == request.query["head"]]
                return Answer(200, list(reversed(found)))
            case "POST", ["pulls"]:
                return self._pull(request.content)
        return _no(404, "Not Found")

    def _head(self, branch: str) -> str:
        return _sha(*sorted(map(str, self.branches[branch].items())))

    def _create(self, asked: Any) -> Answer:
        branch = asked["ref"].removeprefix("refs/heads/")
        if branch in self.branches:
            return _no(422, "Reference already exists")
        source = next((each for each in self.branches if self._head(each) == asked["sha"]), None)
        if source is None:
            return _no(422, "Object does not exist")
        self.branches[branch] = dict(self.branches[source])
        return Answer(201, {"ref": asked["ref"]})

    def _read(self, name: str, ref: str) -> Answer:
        text = self.branches.get(ref, {}).get(name)
        if text is None:
            return _no(404, "Not Found")
        content = base64.encodebytes(text.encode()).decode()
        return Answer(200, {"type": "file", "encoding": "base64", "content": content, "sha": _sha(text)})

    def _write(self, name: str, asked: Any) -> Answer:
        files = self.branches.get(asked["branch"])
        if files is None:
            return _no(404, f"Branch {asked['branch']} not found")
        if "sha" not in asked:
            return _no(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if asked["sha"] != _sha(files[name]):
            return _no(409, f"{name} does not match {asked['sha']}")
        files[name] = base64.b64decode(asked["content"]).decode()
        return Answer(200, {"commit": {"sha": self._head(asked["branch"])}})

    def _pull(self, asked: Any) -> Answer:
        head, base = asked["head"], asked["base"]
        if any(each["head"]["label"] == f"acme:{head}" and each["state"] == "open" for each in self.pulls):
            return _invalid(f"A pull request already exists for acme:{head}.")
        if self.branches[head] == self.branches[base]:
            return _invalid(f"No commits between {base} and {head}")
        pull = {
            "html_url": f"https://github.example/acme/infra/pull/{len(self.pulls) + 1}",
            "state": "open",
            "merged_at": None,
            "head": {"label": f"acme:{head}"},
            **{name: asked[name] for name in ("title", "body")},
        }
        self.pulls.append(pull)
        return Answer(201, pull)


def _no(code: int, message: str) -> Answer:
    return Answer(code, {"message": message, "status": str(code)})


def _invalid(message: str) -> Answer:
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    return Answer(422, {"message": "Validation Failed", "errors": [error]})
