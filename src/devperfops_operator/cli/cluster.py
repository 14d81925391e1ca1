"""Gates and runs at the Kubernetes API. The only module of the CLI that knows the `kubernetes` client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from pydantic import ValidationError
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError
from yaml import YAMLError

from devperfops_operator.api import perfgate, perfrun
from devperfops_operator.api.base import GROUP, VERSION
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.api.quota_status import StoredQuotaPolicy
from devperfops_operator.cli.errors import Away, NotFound, Trouble

_TIMEOUT_S: Final = (5, 30)  # connect, read
_LONGEST: Final = 64 << 20  # bytes of an answer; a large cluster's nodes take some 20 MB
_QUOTED: Final = 80  # bytes of one that is not understood
_WATCH_S: Final = 30
"""A watch is renewed after this time, so that one that died silently is noticed."""
_FIELD_MANAGER: Final = "devperfops"
_KUBECONFIG: Final = "~/.kube/config"
_NAMESPACE_OF_POD: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_LATER: Final = frozenset({429, 500, 502, 503, 504})

Resource = TypeVar("Resource", PerfGate, PerfRun, StoredQuotaPolicy)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Resource]):
    """One of our resources. `word` is what people call it."""

    word: str
    plural: str
    model: type[Resource]


GATES: Final = Kind("gate", perfgate.PLURAL, PerfGate)
RUNS: Final = Kind("run", perfrun.PLURAL, PerfRun)
POLICIES: Final = Kind("quota policy", "quotapolicies", StoredQuotaPolicy)


@dataclass(frozen=True, slots=True)
class Change(Generic[Resource]):
    """One event of a watch."""

    resource: Resource
    deleted: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Of any request: `body` is its JSON, `headers` by their usual names."""

    body: Any
    headers: Mapping[str, str]


class Cluster:
    """The API server of a kubeconfig, seen from one namespace. Every method raises only `Trouble`."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._client = api
        self._api = client.CustomObjectsApi(api)
        self.url: str = api.configuration.host
        self.namespace = namespace

    @classmethod
    def connect(cls, kubeconfig: str | None, context: str | None, namespace: str | None) -> Cluster:
        """As kubectl does: the kubeconfig's current context, or the pod's own ServiceAccount."""
        settings = client.Configuration()
        try:
            default = _load(settings, kubeconfig, context)
        except (ConfigException, OSError, YAMLError, TypeError, ValueError) as error:
            raise Trouble(
                f"no usable kubeconfig ({kubeconfig or _KUBECONFIG}): {_first_line(error)}. "
                "Set KUBECONFIG, or name a file with --kubeconfig and a context with --context."
            ) from error
        settings.retries = False  # we say that the API is away, and try again ourselves
        return cls(client.ApiClient(settings), namespace or default)

    def get(self, kind: Kind[Resource], name: str) -> Resource:
        """Raises NotFound, which suggests a name."""
        try:
            with self._asking(kind, name):
                raw = self._api.get_namespaced_custom_object(
                    **self._where(kind), name=name, _request_timeout=_TIMEOUT_S
                )
        except NotFound as error:
            raise NotFound(f"{error.message} {self._suggestion(kind, name)}".rstrip()) from error
        return _read(kind, raw)

    def find_all(self, kind: Kind[Resource], *, everywhere: bool = False) -> list[Resource]:
        """Those of the namespace, or of the whole cluster."""
        with self._asking(kind, None):
            if everywhere:
                raw = self._api.list_cluster_custom_object(
                    GROUP, VERSION, kind.plural, _request_timeout=_TIMEOUT_S
                )
            else:
                raw = self._api.list_namespaced_custom_object(
                    **self._where(kind), _request_timeout=_TIMEOUT_S
                )
        return _read_list(kind, raw)

    def create_run(self, manifest: Mapping[str, Any]) -> PerfRun:
        with self._asking(RUNS, None):
            raw = self._api.create_namespaced_custom_object(
                **self._where(RUNS), body=dict(manifest), _request_timeout=_TIMEOUT_S
            )
        return _read(RUNS, raw)

    def cancel_run(self, name: str) -> PerfRun:
        """Ask the operator to end it, which it does with the run's next step."""
        with self._asking(RUNS, name):
            raw = self._api.patch_namespaced_custom_object(
                **self._where(RUNS),
                name=name,
                body={"spec": {"cancel": True}},
                _content_type="application/merge-patch+json",
                _request_timeout=_TIMEOUT_S,
            )
        return _read(RUNS, raw)

    def override(self, gate: str, override: Mapping[str, Any] | None) -> None:
        """Write the gate's override, or take it away."""
        with self._asking(GATES, gate):
            self._api.patch_namespaced_custom_object(
                **self._where(GATES),
                name=gate,
                body={"spec": {"override": override}},
                field_manager=_FIELD_MANAGER,
                _content_type="application/merge-patch+json",
                _request_timeout=_TIMEOUT_S,
            )

    def apply_config_map(self, name: str, data: Mapping[str, str]) -> None:
        """Write these keys; others that people put beside them stay."""
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace},
            "data": dict(data),
        }
        with self._asking(None, None):
            client.CoreV1Api(self._client).patch_namespaced_config_map(
                name,
                self.namespace,
                manifest,
                field_manager=_FIELD_MANAGER,
                force=True,
                _content_type="application/apply-patch+yaml",
                _request_timeout=_TIMEOUT_S,
            )

    def user(self) -> str:
        """Who we are to the API server."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        return str(self.ask("POST", path, review).body["status"]["userInfo"]["username"])

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Any request of JSON. Raises NotFound for an object or a path that is not there."""
        resource, _, query = path.partition("?")
        arguments = self._client.param_serialize(
            method,
            resource,
            query_params=parse_qsl(query),
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        with self._asking(None, None):
            response: Any = self._client.call_api(*arguments, _request_timeout=_TIMEOUT_S)
            content = response.response.read(_LONGEST + 1)
            if response.status == HTTPStatus.NOT_FOUND:
                raise NotFound(f"{path} does not exist.")
            if response.status >= HTTPStatus.BAD_REQUEST:
                failure = ApiException(status=response.status, reason=response.reason)
                failure.body = content.decode(errors="replace")
                raise failure
        if len(content) > _LONGEST:
            raise Trouble(f"{resource} at {self.url} answers with more than {_LONGEST >> 20} MiB.")
        try:
            return Answer(json.loads(content or b"null"), dict(response.getheaders()))
        except ValueError as error:
            said = content[:_QUOTED].decode(errors="replace")
            raise Trouble(f"{resource} at {self.url} answers with no JSON: {said}") from error

    def list_from(self, kind: Kind[Resource], name: str | None) -> tuple[list[Resource], str]:
        """What is there now (all, or the one called `name`), and the version to watch it from."""
        with self._asking(kind, None):
            raw: Any = self._api.list_namespaced_custom_object(
                **self._where(kind), **_only(name), _request_timeout=_TIMEOUT_S
            )
        return _read_list(kind, raw), str(raw["metadata"]["resourceVersion"])

    def changes(self, kind: Kind[Resource], name: str | None, version: str) -> Iterator[Change[Resource]]:
        """Changes since `version`. Ends after a while, or when the API server has forgotten that version."""
        with self._asking(kind, None):
            response: Any = self._api.list_namespaced_custom_object(
                **self._where(kind),
                **_only(name),
                resource_version=version,
                watch=True,
                timeout_seconds=_WATCH_S,
                _preload_content=False,
                _request_timeout=(_TIMEOUT_S[0], _WATCH_S + 10),
            )
            try:
                yield from _events(kind, response)
            finally:
                response.close()

    def _where(self, kind: Kind[Resource]) -> dict[str, Any]:
        return {"group": GROUP, "version": VERSION, "namespace": self.namespace, "plural": kind.plural}

    def _suggestion(self, kind: Kind[Resource], name: str) -> str:
        try:
            names = sorted(item.metadata.name for item in self.find_all(kind))
        except Trouble:  # the first trouble is the one to tell
            return ""
        if not names:
            return f"There are no {kind.word}s in it; -n names another namespace."
        near = get_close_matches(name, names, n=1)
        return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names[:8])}."

    @contextmanager
    def _asking(self, kind: Kind[Resource] | None, name: str | None) -> Iterator[None]:
        """Turns every failure of a request into a sentence."""
        try:
            yield
        except ApiException as error:
            raise self._explain(error, kind, name) from error
        except (HTTPError, OSError) as error:
            raise Away(
                f"the Kubernetes API at {self.url} does not answer ({_cause(error)}). "
                "Is the cluster running, and is it the one this kubeconfig's context means?"
            ) from error

    def _explain(self, error: ApiException, kind: Kind[Resource] | None, name: str | None) -> Trouble:
        status = _status(error.body)
        said = str(status.get("message") or error.reason or "it gave no reason").rstrip(".")
        match error.status:
            case HTTPStatus.UNAUTHORIZED:
                return Trouble(
                    f"the Kubernetes API at {self.url} does not accept these credentials; log in again."
                )
            case HTTPStatus.FORBIDDEN:
                return Trouble(f"not allowed: {said}. Ask whoever runs the cluster for that right.")
            case HTTPStatus.NOT_FOUND if kind is not None and not status.get("details"):
                return Trouble(
                    f"the cluster at {self.url} has no {kind.plural}.{GROUP}. "
                    "Install the operator first: kubectl apply -f deploy/install.yaml"
                )
            case HTTPStatus.NOT_FOUND if kind is not None and name is not None:
                return NotFound(f"there is no {kind.word} {name} in namespace {self.namespace}.")
            case code if code in _LATER:
                return Away(f"the Kubernetes API at {self.url} cannot answer now: {said}.")
            case _:
                return Trouble(f"the Kubernetes API refused: {said}.")


def _load(settings: client.Configuration, kubeconfig: str | None, context: str | None) -> str:
    """Fill `settings`; gives the namespace to work in."""
    path = kubeconfig or str(Path(_KUBECONFIG).expanduser())
    if not (kubeconfig or context or Path(path).exists()) and "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
        return _NAMESPACE_OF_POD.read_text().strip()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=path, context=context, client_configuration=settings
    )
    contexts, active = config.list_kube_config_contexts(config_file=path)  # type: ignore[no-untyped-call]
    chosen = next((each for each in contexts if each["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


def _only(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"field_selector": f"metadata.name={name}"}


def _read(kind: Kind[Resource], raw: Any) -> Resource:
    try:
        return kind.model.from_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Trouble(
            f"{kind.word} {raw['metadata']['name']} is not as this devperfops knows it "
            f"({field}: {first['msg']}). Use the version of the operator in the cluster."
        ) from error


def _read_list(kind: Kind[Resource], raw: Any) -> list[Resource]:
    return [_read(kind, item) for item in raw["items"]]


def _events(kind: Kind[Resource], response: Any) -> Iterator[Change[Resource]]:
    if response.status == HTTPStatus.GONE:
        return
    if response.status != HTTPStatus.OK:
        failure = ApiException(status=response.status, reason=response.reason)
        failure.body = response.read().decode(errors="replace")
        raise failure
    for line in response:
        event = json.loads(line)
        if event["type"] == "ERROR":  # 410 Gone, or the server is going down
            return
        yield Change(_read(kind, event["object"]), deleted=event["type"] == "DELETED")


def _status(body: str | None) -> dict[str, Any]:
    """The answer's `metav1.Status`; empty when it is none, as for a path the server does not know."""
    try:
        status = json.loads(body or "")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _cause(error: BaseException) -> str:
    """The system's own word for it, from the innermost exception."""
    inner = error.__cause__ or error.__context__
    if inner is not None:
        return _cause(inner)
    if isinstance(error, HTTPTimeoutError | TimeoutError):
        return "no answer in time"
    return (getattr(error, "strerror", None) or str(error)).lower()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
