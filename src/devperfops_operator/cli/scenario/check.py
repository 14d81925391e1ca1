"""One pass over a plan against a live target, with the values, ids and order JMeter would use."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx

from devperfops_operator.scenario.jmx.steps import NOT_FOUND
from devperfops_operator.scenario.plan import LOCATION, Extract, Plan, Step
from devperfops_operator.scenario.security import secrets as secrets_of
from devperfops_operator.scenario.security import token_variable
from devperfops_operator.scenario.template import Part, Secret, Stored, Template, Unique, Uuid

_TIMEOUT_S: Final = 10.0
_SHOWN: Final = 120
_STEP: Final = re.compile(r"\.([A-Za-z_]\w*)|\['((?:[^'\\]|\\.)*)'\]|\[(\d+|\*)\]")


@dataclass(frozen=True)
class Answer:
    """`status` and `ms` are None where nothing was asked or answered; `why` says what was wrong.

    `undocumented`: a success by a code that the document does not have.
    """

    step: Step
    status: int | None
    ms: float | None
    why: str | None
    undocumented: bool = False

    @property
    def good(self) -> bool:
        return self.why is None


@dataclass
class Check:
    """Against one address. `values`: of the data file's first row; `properties`: the secrets."""

    address: str
    properties: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)

    def answers(self, plan: Plan) -> Iterator[Answer]:
        """Each step's, as it comes."""
        with httpx.Client(base_url=self.address, timeout=_TIMEOUT_S) as client:
            for scheme in plan.tokens:
                self._ask_for_token(client, scheme.token_url, secrets_of(scheme), token_variable(scheme))
            for step in plan.steps:
                yield self._answer(client, step)

    def _answer(self, client: httpx.Client, step: Step) -> Answer:
        missing = sorted(name for name in step.needs if self.values.get(name, NOT_FOUND) == NOT_FOUND)
        if missing:
            return Answer(step, None, None, f"not asked: no answer has shown {', '.join(missing)}")
        try:
            answer = client.request(
                step.method,
                self._text(step.path),
                headers=[(name, self._text(value)) for name, value in step.headers],
                content=self._text(step.body).encode() if step.body else None,
                auth=self._basic(step),
                follow_redirects=not any(code.startswith("3") for code in step.codes),
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return Answer(step, None, None, f"no answer: {error}")
        good = _is_one_of(step.codes, answer.status_code)
        undocumented = good and not _is_one_of(step.documented or step.codes, answer.status_code)
        for extract in step.extracts:
            self.values[extract.variable] = (_found(extract, answer) if good else None) or NOT_FOUND
        why = None if good else f"documented: {_codes(step)}; it says {_said(answer)}"
        lost = [each.variable for each in step.extracts if self.values[each.variable] == NOT_FOUND]
        if good and lost:
            why = f"its answer does not show {', '.join(lost)}"
        took = answer.elapsed.total_seconds() * 1000
        return Answer(step, answer.status_code, took, why, undocumented)

    def _ask_for_token(self, client: httpx.Client, url: str, pair: Sequence[str], variable: str) -> None:
        name, secret = (self.properties.get(each, "") for each in pair)
        data = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        try:
            self.values[variable] = str(client.post(url, data=data).json()["access_token"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            self.values[variable] = NOT_FOUND

    def _basic(self, step: Step) -> tuple[str, str] | None:
        if step.basic is None:
            return None
        user, password = step.basic
        return self.properties.get(user.name, ""), self.properties.get(password.name, "")

    def _text(self, template: Template) -> str:
        return template.filled(self._part)

    def _part(self, part: Part) -> str:
        match part:
            case Unique(length=length, letters=letters, store=store):
                made = "".join(secrets.choice(letters) for _ in range(length))
                if store:
                    self.values[store] = made
                return made
            case Uuid():
                return str(uuid.uuid4())
            case Stored(name=name, in_url=in_url):
                value = self.values.get(name, NOT_FOUND)
                return quote(value, safe="") if in_url else value
            case Secret(name=name):
                return self.properties.get(name, "")
            case _:
                return part


def _is_one_of(codes: Sequence[str], status: int) -> bool:
    return any(re.fullmatch(code.upper().replace("X", r"\d"), str(status)) for code in codes)


def _codes(step: Step) -> str:
    return ", ".join(step.documented or step.codes)


def _said(answer: httpx.Response) -> str:
    text = " ".join(answer.text.split())
    return text[:_SHOWN] if text else "nothing"


def _found(extract: Extract, answer: httpx.Response) -> str | None:
    if extract.path == LOCATION:
        piece = answer.headers.get("Location", "").partition("?")[0].rstrip("/").rpartition("/")[2]
        return piece or None
    try:
        values = [answer.json()]
    except ValueError:
        return None
    for step in _STEP.finditer(extract.path):
        values = [inner for value in values for inner in _inside(value, step)]
    scalars = [value for value in values if isinstance(value, str | int | float)]
    if not scalars:
        return None
    return str(secrets.choice(scalars) if extract.any_of else scalars[0])


def _inside(value: Any, step: re.Match[str]) -> list[Any]:
    name, quoted, index = step.groups()
    if index is not None:
        if not isinstance(value, list):
            return []
        return value if index == "*" else value[int(index) : int(index) + 1]
    key = name if name is not None else re.sub(r"\\(.)", r"\1", quoted)
    return [value[key]] if isinstance(value, dict) and key in value else []
