"""`spec.load` of a gate: where the load goes, and what JMeter is asked to do."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import load_rules, rules, shape_rules
from devperfops_operator.api.base import ApiModel, Name
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.api.shape import Shape

MAX_PROPERTIES = 64
PROFILE_KEY = "profile.yaml"

PropertyName = Annotated[str, Field(max_length=64), load_rules.PROPERTY_NAME]


class Scheme(StrEnum):
    """How the target is spoken to."""

    HTTP = "http"
    HTTPS = "https"


class LoadTarget(ApiModel):
    """Where the load goes; by default to the Service named like the target."""

    host: Annotated[str | None, Field(max_length=253), load_rules.HOST] = None
    """A name or address that need not be a Service, given to the plan as ServerName."""
    port: Annotated[int | None, load_rules.PORT] = None
    """Given as ServerPort.

    By default the Service's only port or the one named like the scheme; with host, 80 or 443.
    """
    scheme: Scheme = Scheme.HTTP
    """Given as Scheme."""


class Baseline(ApiModel):
    """A release to compare with, loaded by the same plan at the same time."""

    host: Annotated[str, Field(max_length=253), load_rules.HOST]
    """A name or address, such as the Service of what serves users now."""
    port: Annotated[int | None, load_rules.PORT] = None
    """By default 80 or 443, as the scheme has it."""
    scheme: Scheme = Scheme.HTTP
    """How it is spoken to."""


class Source(ApiModel):
    """Files of the gate's namespace: a ConfigMap's keys, or a volume's."""

    validations: ClassVar[tuple[rules.Rule, ...]] = (load_rules.ONE_SOURCE,)

    config_map: Annotated[Name | None, rules.not_empty("is empty: write the name of a ConfigMap")] = None
    """The ConfigMap's name."""
    pvc: Annotated[Name | None, rules.not_empty("is empty: write the name of a PersistentVolumeClaim")] = None
    """The PersistentVolumeClaim's name, mounted read-only; every worker must be able to mount it."""

    @property
    def placed(self) -> bool:
        """Whether there are files at all."""
        return self.config_map is not None or self.pvc is not None

    @property
    def described(self) -> str:
        """For people: `ConfigMap scenario`."""
        return f"ConfigMap {self.config_map}" if self.pvc is None else f"PersistentVolumeClaim {self.pvc}"


FileName = Annotated[
    Name, rules.not_empty("is empty: write a key such as openapi.yaml, or leave it out"), load_rules.FILE
]


class OpenAPISource(ApiModel):
    """An OpenAPI document that the test plan is made from, in the load's pods, at each run."""

    validations: ClassVar = (load_rules.ONE_DOCUMENT,)

    document: FileName | None = None
    """The key of the document: OpenAPI 3.1, 3.0 or Swagger 2.0, as YAML or JSON."""
    path: Annotated[str | None, Field(max_length=512), load_rules.TARGETS_PATH] = None
    """In place of document: where the target answers with it. So it is that of the revision under test."""
    overlay: FileName | None = None
    """The key of what is added by hand: weights, values, excludes."""
    follow: Annotated[
        tuple[Annotated[str, Field(max_length=256), load_rules.SERVER], ...], Field(max_length=8)
    ] = ()
    """Servers, beside the document's own, that its references may lead to: https://schemas.example.com."""


class PlanSource(Source):
    """Where the JMeter test plan (JMX) is, or what it is made from.

    One in a ConfigMap is checked by the operator, any by the load's pods before they load.
    """

    validations: ClassVar[tuple[rules.Rule, ...]] = (load_rules.PLAN_HAS_PLACE, load_rules.OPENAPI_HAS_PLACE)

    key: Annotated[Name, rules.not_empty("is empty: write a key such as scenario.jmx"), load_rules.FILE] = (
        "scenario.jmx"
    )
    """The key whose value is the test plan; on a volume its path from the root."""
    open_api: Annotated[OpenAPISource | None, Field(alias="openAPI")] = None
    """Makes the test plan from an OpenAPI document, in place of taking one."""

    @property
    def made_from(self) -> tuple[str, ...]:
        """The keys of the files that a plan is made from."""
        made = self.open_api
        keys = () if made is None else (made.document, made.overlay)
        return tuple(key for key in keys if key is not None)

    @property
    def described(self) -> str:
        """For people: `ConfigMap scenario`, `openapi.yaml in ConfigMap shop-api`."""
        if self.open_api is None:
            return super().described
        if self.open_api.path is not None:
            return f"what the target answers at {self.open_api.path}"
        return f"{self.open_api.document} in {super().described}"


class Shard(ApiModel):
    """A text file whose lines the workers share: no two get the same one."""

    file: Annotated[
        Name, rules.not_empty("is empty: write the name of a file such as users.csv"), load_rules.SHARED_FILE
    ]
    """Its name, at the root of the data; every worker finds its part under the same name."""
    header: bool = False
    """Whether every worker gets the first line."""


class DataSource(Source):
    """Files the test plan reads, in the folder that it is given as the property DataDir."""

    shards: Annotated[tuple[Shard, ...] | None, Field(max_length=16), load_rules.DISTINCT_SHARDS] = None
    """Files whose lines the workers share; they get all other files whole."""


class PropertyNames(ApiModel):
    """What a plan calls the properties it gets, where it was not written for this operator."""

    validations: ClassVar = (load_rules.DISTINCT_PROPERTY_NAMES,)

    threads: PropertyName = "NumOfThreads"
    """The property for threads."""
    ramp_up: PropertyName = "RampUp"
    """The property for rampUp."""
    duration: PropertyName = "Duration"
    """The property for duration."""
    rate: PropertyName = "TPM"
    """The property for rate."""
    host: PropertyName = "ServerName"
    """The property for target.host."""
    shape: PropertyName = "Shape"
    """The property for load.shape: the rates and when they begin, in place of rate."""
    port: PropertyName = "ServerPort"
    """The property for target.port."""
    scheme: PropertyName = "Scheme"
    """The property for target.scheme."""
    data: PropertyName = "DataDir"
    """The property for the folder with the data."""


class Amounts(ApiModel):
    """Of what a container has."""

    cpu: Annotated[Annotated[str, Field(max_length=16)] | int | None, load_rules.CPU] = None
    """Processors, such as 500m, 1.5 or 2."""
    memory: Annotated[Annotated[str, Field(max_length=20)] | int | None, load_rules.MEMORY] = None
    """Bytes, such as 512Mi or 2Gi."""


class Resources(ApiModel):
    """What a container asks for and may have."""

    validations: ClassVar = load_rules.REQUESTS_WITHIN_LIMITS

    requests: Amounts | None = None
    """What the scheduler sets aside."""
    limits: Amounts | None = None
    """What it may not exceed."""


class TolerationOperator(StrEnum):
    """How a toleration is compared with a taint."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(ApiModel):
    """A taint the load's pods put up with, as in a pod."""

    key: Annotated[str | None, Field(max_length=316)] = None
    """The taint's key; none (with Exists): every taint."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """Equal compares the value, Exists does not."""
    value: Annotated[str | None, Field(max_length=63)] = None
    """The taint's value."""
    effect: TaintEffect | None = None
    """The taint's effect; none: every effect."""
    toleration_seconds: int | None = None
    """With NoExecute: how long the pod may stay."""


class LocalReference(ApiModel):
    """An object in the gate's namespace."""

    name: Annotated[Name, rules.not_empty("is empty: write the name of the object")]
    """The object's name."""


Labels = dict[str, Annotated[str, Field(max_length=63)]]


class PropertySource(ApiModel):
    """A Secret in the gate's namespace, each of whose keys becomes a property of that name."""

    secret: Annotated[Name, rules.not_empty("is empty: write the name of a Secret")]
    """The Secret's name. Its values must be text."""


class ProfileSource(ApiModel):
    """A LoadProfile, which says what production's busiest hour is like."""

    config_map: Annotated[Name, rules.not_empty("is empty: write the name of a ConfigMap")]
    """The ConfigMap's name."""
    key: FileName = PROFILE_KEY
    """The key whose value is the LoadProfile, as devperfops profile writes it."""
    scale: Annotated[float, load_rules.SCALE] = 1.0
    """So many times the requests of the busiest hour."""
    season: Annotated[
        str | None, Field(max_length=64), rules.not_empty("is empty: write a season's name, or leave it out")
    ] = None
    """A season of the profile, at whose busiest hour the load is then."""
    stall: Annotated[str, Field(max_length=16), rules.DURATION] = "10s"
    """Requests go on to come while the target answers nothing for so long: there are as many threads."""
    accept_doubts: bool = False
    """Take a profile that is stale, thin or has gaps, which otherwise ends a run before its load."""

    @property
    def source(self) -> Source:
        """Where it is."""
        return Source(config_map=self.config_map)


class JMeterLoad(ApiModel):
    """What JMeter is asked to do. Durations as in `90s`, `10m`, `1h30m`."""

    validations: ClassVar = (
        rules.RAMP_UP_UNDER_DURATION,
        rules.AUTO_IS_BOUNDED,
        rules.RAMP_UP_UNDER_MAX,
        rules.MAX_IS_LONGER,
        load_rules.PROPERTIES_OF_ITS_OWN,
    )

    plan: PlanSource
    """Where the test plan is."""
    threads: Annotated[int | None, rules.THREADS] = None
    """Users played at once, given to the plan as the property NumOfThreads."""
    ramp_up: Annotated[str, Field(max_length=16), rules.DURATION] = "0s"
    """Time until all threads run, given as RampUp (seconds); what happens in it is not judged."""
    duration: Annotated[str, Field(max_length=16), rules.DURATION_OR_AUTO, rules.ABOVE_ZERO]
    """How long the load lasts, rampUp included, given as Duration (seconds). A verdict may end it sooner.

    With auto as long as the objectives need at the rate, up to maxDuration.
    """
    max_duration: Annotated[str | None, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO] = None
    """How long the load may go on after duration if nothing but evidence is missing then, rampUp included.

    In place of duration it is then given as Duration; the operator ends the load.
    """
    rate: Annotated[Annotated[str, Field(max_length=16)] | int | None, rules.RATE] = None
    """Samples per minute or second, such as 3000/m or 50/s, given as TPM (per minute).

    A run that reaches less than 95 % of it does not pass.
    """
    properties: Annotated[
        dict[str, Annotated[str, Field(max_length=1024)]] | None,
        Field(max_length=MAX_PROPERTIES),
        load_rules.PROPERTY_KEYS,
    ] = None
    """More JMeter properties, by name. They are no place for secrets."""
    properties_from: Annotated[
        tuple[PropertySource, ...] | None, Field(max_length=8), load_rules.DISTINCT_SECRETS
    ] = None
    """Secrets whose keys become JMeter properties, too; what this gate sets itself goes first.

    They are mounted into the load's pods; the operator does not read them.
    """
    property_names: PropertyNames = PropertyNames()
    """Other names for the properties this gate sets."""
    data: DataSource | None = None
    """Files the plan reads, such as users.csv."""
    plugins: Source | None = None
    """JARs (at the root, named *.jar) that JMeter finds beside its own."""
    image: Annotated[str | None, Field(max_length=512), load_rules.IMAGE] = None
    """An image of JMeter 5; by default the one of the operator's settings.

    What it runs (or command) must take JMeter's arguments, as user 10001, with a read-only root file system.
    """
    command: Annotated[
        tuple[Annotated[str, Field(max_length=1024)], ...] | None,
        Field(max_length=16),
        rules.not_empty("is empty: write what starts JMeter, or leave it out"),
    ] = None
    """What starts JMeter in the image; JMeter's arguments follow it. By default the image's entry point."""
    resources: Resources | None = None
    """What JMeter's container asks for and may have, in place of the operator's own choice.

    The Java heap is a share of the memory limit.
    """
    node_selector: Annotated[Labels | None, Field(max_length=16), load_rules.LABEL_VALUES] = None
    """Labels of the nodes the load may run on."""
    tolerations: Annotated[tuple[Toleration, ...] | None, Field(max_length=16)] = None
    """Taints the load's pods put up with."""
    image_pull_secrets: Annotated[tuple[LocalReference, ...] | None, Field(max_length=8)] = None
    """Secrets with which the images are pulled."""
    labels: Annotated[Labels | None, Field(max_length=16), load_rules.LABEL_VALUES, load_rules.LABEL_KEYS] = (
        None
    )
    """More labels of the load's pods."""
    annotations: Annotated[
        dict[str, Annotated[str, Field(max_length=4096)]] | None,
        Field(max_length=16),
        load_rules.ANNOTATION_KEYS,
    ] = None
    """Annotations of the load's pods."""


class Load(ApiModel):
    """How the target is loaded."""

    validations: ClassVar = (
        load_rules.WORKERS_WITHIN_THREADS,
        load_rules.BASELINE_HAS_WORKERS,
        load_rules.BASELINE_HAS_RATE,
        load_rules.AUTO_HAS_RATE,
        load_rules.THREADS_OR_PROFILE,
        load_rules.RATE_OR_PROFILE,
        shape_rules.SHAPE_HAS_RATE,
        shape_rules.SHAPE_IS_PLAYED_OUT,
        shape_rules.SHAPE_HAS_NO_BASELINE,
        shape_rules.SPIKE_IS_WITHIN,
        shape_rules.STEPS_LAST,
    )

    target: LoadTarget = LoadTarget()
    baseline: Baseline | None = None
    """What objectives such as p95 < baseline + 15% compare with: half of the workers play the plan there.

    Target and baseline each get all of jmeter's threads and rate.
    """
    workers: Annotated[int, load_rules.WORKERS] = 1
    """Pods that play the load together, each its share of threads and rate."""
    profile: ProfileSource | None = None
    """Gives jmeter's rate and threads, and the mix of a plan that is made from an OpenAPI document."""
    shape: Shape | None = None
    """How the rate changes; by default it does not."""
    jmeter: JMeterLoad
    """A JMeter test plan and its parameters."""


def properties_read(load: Load) -> frozenset[str]:
    """The properties a test plan must read: what is asked for and would otherwise silently not happen.

    Raises QuantityError for what the CRD's own rules should have refused.
    """
    jmeter, names = load.jmeter, load.jmeter.property_names
    sides: list[LoadTarget | Baseline] = [load.target]
    if load.baseline is not None:
        sides.append(load.baseline)
    asked = {
        names.threads: True,
        names.duration: True,
        names.host: True,
        names.ramp_up: parse_duration(jmeter.ramp_up) > timedelta(),
        names.rate: load.shape is None and (jmeter.rate is not None or load.profile is not None),
        names.shape: load.shape is not None,
        names.port: any(side.port is not None for side in sides),
        names.scheme: any(side.scheme is Scheme.HTTPS for side in sides),
        names.data: jmeter.data is not None,
    }
    return frozenset(name for name, must in asked.items() if must)
