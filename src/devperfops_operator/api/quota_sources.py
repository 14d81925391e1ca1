"""Where the limits of an environment are told: a file, a cluster, a cloud."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from devperfops_operator.api import quota_rules
from devperfops_operator.api.quota_words import Text
from devperfops_operator.api.strict import Strict

_MOST: Final = 16
"""Of regions, namespaces, files."""


class KubernetesNamespace(Strict):
    """A namespace, as the context's user of the kubeconfig may read it."""

    context: Text
    """A context of the kubeconfig."""
    namespace: Text
    """The namespace whose quotas are compared."""
    kubeconfig: Text | None = None
    """The file; without it that of KUBECONFIG."""


class GoogleApi(StrEnum):
    """Who asks: the project's owner (two APIs), or the owner of the service that it uses."""

    SERVICE_USAGE = "ServiceUsage"
    SERVICE_CONSUMER_MANAGEMENT = "ServiceConsumerManagement"
    CLOUD_QUOTAS = "CloudQuotas"


class GoogleProject(Strict):
    """A project, read with the application's default credentials."""

    project: Text
    """Its id or number."""
    api: GoogleApi = GoogleApi.SERVICE_USAGE
    """ServiceConsumerManagement: asked by the owner of the service. The others: by the project's."""
    endpoint: Text | None = None
    """Another address than Google's own."""


class AwsAccount(Strict):
    """The account of the credentials that AWS's tools would find here."""

    regions: Annotated[tuple[Text, ...], Field(min_length=1, max_length=_MOST)]
    """Such as eu-west-1; a limit of one has it as its dimension."""
    profile: Text | None = None
    """A profile of the shared configuration; without it AWS_PROFILE, or the variables of the process."""
    endpoint: Text | None = None
    """Another address than AWS's own, for all its APIs and regions."""


class AzureSubscription(Strict):
    """A subscription, read with the credentials that Azure's tools would find here."""

    subscription: Text
    """Its id."""
    locations: Annotated[tuple[Text, ...], Field(min_length=1, max_length=_MOST)]
    """Such as westeurope; a limit of one has it as its dimension `region`."""
    endpoint: Text | None = None
    """Another address than Azure's own, such as that of another of its clouds."""


class ConfigMapName(Strict):
    """A ConfigMap."""

    namespace: Text
    """Its namespace."""
    name: Text
    """Its name."""


class EnvoyCluster(Strict):
    """Where a cluster keeps its rate limits, as the context's user of the kubeconfig may read it."""

    context: Text
    """A context of the kubeconfig."""
    namespaces: Annotated[tuple[Text, ...], Field(default_factory=tuple, max_length=_MOST)]
    """Whose Istio EnvoyFilters are read, such as the service's and istio-system."""
    config_maps: Annotated[tuple[ConfigMapName, ...], Field(default_factory=tuple, max_length=_MOST)]
    """Those with the configuration of a rate limit service, or of Envoy."""
    kubeconfig: Text | None = None
    """The file; without it that of KUBECONFIG."""


class EnvoyRateLimits(Strict):
    """What Envoy or Istio lets through: one of files and kubernetes."""

    validations: ClassVar = (quota_rules.FILES_OR_CLUSTER, quota_rules.SOME_LIMITS)

    files: Annotated[tuple[Text, ...] | None, Field(min_length=1, max_length=_MOST)] = None
    """Configuration of Envoy or of a rate limit service, or EnvoyFilters."""
    kubernetes: EnvoyCluster | None = None
    """The same in a cluster."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.files is None) == (self.kubernetes is None):
            raise ValueError(quota_rules.FILES_OR_CLUSTER.message)
        if self.kubernetes and not (self.kubernetes.namespaces or self.kubernetes.config_maps):
            raise ValueError(quota_rules.SOME_LIMITS.message)
        return self


class Environment(Strict):
    """What people call it, and where its limits are told: in one place."""

    validations: ClassVar = (quota_rules.ONE_SOURCE,)

    name: Text
    """What people call it."""
    file: Text | None = None
    """A file of QuotaLimits. The operator reads no other source."""
    kubernetes: KubernetesNamespace | None = None
    """A namespace; for the command only."""
    envoy: EnvoyRateLimits | None = None
    """Rate limits of Envoy or Istio; for the command only."""
    google: GoogleProject | None = None
    """A project; for the command only."""
    aws: AwsAccount | None = None
    """An account; for the command only."""
    azure: AzureSubscription | None = None
    """A subscription; for the command only."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(getattr(self, each) is not None for each in quota_rules.SOURCES) != 1:
            raise ValueError(quota_rules.ONE_SOURCE.message)
        return self

    @property
    def names_services(self) -> bool:
        """Whether somebody has to name the services that are read: nobody lists them."""
        lists_none = self.google and self.google.api is not GoogleApi.SERVICE_USAGE
        return bool(lists_none or self.aws or self.azure)


def not_for_operators(environment: Environment) -> str | None:
    """Why the operator cannot read it: it has no credentials but its own. None: it can."""
    if environment.file is not None:
        return None
    return (
        f"the operator reads files only, and environment {environment.name} is none: have the pipeline "
        "write its limits into the ConfigMap as QuotaLimits, and name them by file"
    )
