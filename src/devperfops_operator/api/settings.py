"""The operator's own settings: one YAML file, documented in `deploy/kustomize/base/settings.yaml`.

It is read once, at start. Anything unknown or unusable in it is refused: an operator that guesses what was
meant is worse than one that does not start.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from devperfops_operator.api.quantity import parse_duration

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_DNS_LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class SettingsError(ValueError):
    """Settings that cannot be used; the text names every field and says what to write."""


def _to_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    duration = parse_duration(str(value))
    if not duration:
        raise ValueError(f'"{value}" is no time at all: write for example 15s')
    return duration


def _plain_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f'"{url}" is not an address: write http://HOST:PORT or https://HOST:PORT')
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f'the address of {parts.hostname} must have no user, password, "?" or "#"')
    return url.rstrip("/")


def _dns_label(name: str) -> str:
    if _DNS_LABEL.fullmatch(name) is None:
        raise ValueError(
            f'"{name}" is not a name: write up to 63 lower-case letters, digits and inner dashes'
        )
    return name


def _header_name(name: str) -> str:
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError(f'"{name}" is not the name of a header: write for example X-Scope-OrgID')
    if name.lower() == "authorization":
        raise ValueError("Authorization holds a secret: write tokenFile or basicAuth instead")
    return name


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, StringConstraints(pattern="^[!-~]([ -~]*[!-~])?$", max_length=1024)]
Duration = Annotated[timedelta, BeforeValidator(_to_duration)]
Url = Annotated[str, AfterValidator(_plain_url)]
Name = Annotated[str, AfterValidator(_dns_label)]
ImageName = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=512)]


class _Section(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
    )


class BasicAuth(_Section):
    """A name and, in a file, its password. The file is read for every request: mount a Secret there."""

    username: Annotated[str, StringConstraints(pattern="^[^:]+$", max_length=256)]
    password_file: Path


class PrometheusServer(_Section):
    """A server gates may name. `scrape_interval`: how often it scrapes the targets they judge.

    `token_file`: a bearer token, read for every request. `headers`: sent as they are, for example a tenant;
    they are no place for secrets. `ca_file`: who vouches for the server, instead of the public authorities.
    """

    url: Url
    scrape_interval: Duration = timedelta(seconds=15)
    token_file: Path | None = None
    basic_auth: BasicAuth | None = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        if self.token_file is not None and self.basic_auth is not None:
            raise ValueError("tokenFile and basicAuth both say who the operator is: leave one of them out")
        if self.ca_file is not None and not self.url.startswith("https:"):
            raise ValueError("caFile is for https: write https://HOST:PORT as url, or leave caFile out")
        return self


class ImageSettings(_Section):
    """Images of the load pods: the operator's own (it is also the agent's) and JMeter's."""

    operator: ImageName
    jmeter: ImageName
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"


class Timeouts(_Section):
    """`start`: from the Job's creation until all workers are ready. `drain`: to deliver after the load.

    `config_sync`: how long kubelets take at most to bring a changed ConfigMap into running pods.
    """

    start: Duration = timedelta(minutes=5)
    drain: Duration = timedelta(minutes=3)
    config_sync: Duration = timedelta(minutes=2)


class SlackReceiver(_Section):
    """A bot with the right `chat:write`. `token_file` is read for every message: mount a Secret there."""

    token_file: Path
    channel: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    api_url: Url = "https://slack.com/api"


class WebhookReceiver(_Section):
    """Gets the JSON report by POST. `token_file`: a bearer token, read for every request."""

    url: Url
    token_file: Path | None = None


class Notifications(_Section):
    """Who is told of every run that ends; none of them by default."""

    slack: SlackReceiver | None = None
    webhook: WebhookReceiver | None = None

    @property
    def receivers(self) -> tuple[str, ...]:
        """Their names, as in a run's status."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class LeaderElection(_Section):
    """The Lease whose holder is the one operator that decides.

    `namespace`: where it lies; none: the operator's own. A leader that could not renew it within
    `renew_deadline` ends; when it has not changed for `lease_duration` another may take it; both try every
    `retry_period`.
    """

    namespace: Name | None = None
    name: Name = "devperfops-operator"
    lease_duration: Duration = timedelta(seconds=60)
    renew_deadline: Duration = timedelta(seconds=40)
    retry_period: Duration = timedelta(seconds=2)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.retry_period < self.renew_deadline < self.lease_duration:
            raise ValueError("retryPeriod must be shorter than renewDeadline, and that than leaseDuration")
        return self


class Settings(_Section):
    """Everything the operator is told from outside.

    `operator_url`: where load pods reach this operator. `namespaces`: those it watches; none: all of them.
    `agent_tokens`: asked of the API server (TokenReview, a cluster-wide right), or their signatures verified.
    `watch_config_maps`: whether a ConfigMap that changes alone is noticed; else only with the pod template.
    `environments`: those in which one load at a time runs in all namespaces together.
    `prometheus`: servers by the name a gate's `spec.prometheus` uses.
    """

    operator_url: Url
    images: ImageSettings
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] = 8080
    namespaces: tuple[Name, ...] = ()
    watch_config_maps: Annotated[bool, Field(strict=True)] = True
    agent_tokens: Literal["Review", "Verify"] = "Review"
    prometheus: dict[Name, PrometheusServer] = Field(default_factory=dict)
    environments: tuple[Name, ...] = ()
    timeouts: Timeouts = Timeouts()
    notifications: Notifications = Notifications()
    leader_election: LeaderElection = LeaderElection()


def parse_settings(text: str) -> Settings:
    """Read the settings file's text.

    Raises:
        SettingsError: it is not YAML, has an unknown or doubled field, or a value that cannot be used.
    """
    try:
        raw = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader that refuses doubled keys
    except yaml.YAMLError as error:
        raise SettingsError(f"not readable as YAML: {error}") from error
    if not isinstance(raw, dict):
        raise SettingsError("not a mapping of settings: begin with operatorUrl, images and prometheus")
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(detail) for detail in error.errors())) from error


class _StrictLoader(yaml.SafeLoader):
    """YAML where a key given twice is an error and not silently the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f'"{key.value}" is given twice', problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _sentence(detail: ErrorDetails) -> str:
    path = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    match detail["type"]:
        case "extra_forbidden":
            return f"{path}: there is no such setting; remove it or correct its spelling"
        case "missing":
            return f"{path}: missing; it has no default"
        case "value_error":
            return f"{path}: {detail['ctx']['error']}"
        case _:
            return f"{path}: {detail['msg'][0].lower()}{detail['msg'][1:]}, but it is {detail['input']!r}"
