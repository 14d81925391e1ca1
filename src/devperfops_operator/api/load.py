"""`spec.load` of a gate: where the load goes, and what JMeter is asked to do."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import load_rules, rules
from devperfops_operator.api.base import ApiModel, Name
from devperfops_operator.api.quantity import parse_duration

MAX_PROPERTIES = 64

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


class PlanSource(ApiModel):
    """The ConfigMap key that holds the JMeter test plan (JMX)."""

    config_map: Annotated[Name, rules.not_empty("is empty: write the name of the plan's ConfigMap")]
    """The ConfigMap's name, in the gate's namespace."""
    key: Annotated[Name, rules.not_empty("is empty: write a key such as scenario.jmx")] = "scenario.jmx"
    """The key whose value is the test plan."""


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
    port: PropertyName = "ServerPort"
    """The property for target.port."""
    scheme: PropertyName = "Scheme"
    """The property for target.scheme."""


class JMeterLoad(ApiModel):
    """What JMeter is asked to do. Durations as in `90s`, `10m`, `1h30m`."""

    validations: ClassVar = (rules.RAMP_UP_UNDER_DURATION, load_rules.PROPERTIES_OF_ITS_OWN)

    plan: PlanSource
    """Where the test plan is."""
    threads: Annotated[int, rules.THREADS]
    """Users played at once, given to the plan as the property NumOfThreads."""
    ramp_up: Annotated[str, Field(max_length=16), rules.DURATION] = "0s"
    """Time until all threads run, given as RampUp (seconds); what happens in it is not judged."""
    duration: Annotated[str, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO]
    """How long the load lasts at most, rampUp included, given as Duration (seconds).

    A verdict may end it sooner.
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
    property_names: PropertyNames = PropertyNames()
    """Other names for the properties this gate sets."""


class Load(ApiModel):
    """How the target is loaded."""

    target: LoadTarget = LoadTarget()
    jmeter: JMeterLoad
    """A JMeter test plan and its parameters."""


def properties_read(load: Load) -> frozenset[str]:
    """The properties a test plan must read: what is asked for and would otherwise silently not happen.

    Raises QuantityError for what the CRD's own rules should have refused.
    """
    jmeter, names = load.jmeter, load.jmeter.property_names
    asked = {
        names.threads: True,
        names.duration: True,
        names.host: True,
        names.ramp_up: parse_duration(jmeter.ramp_up) > timedelta(),
        names.rate: jmeter.rate is not None,
        names.port: load.target.port is not None,
        names.scheme: load.target.scheme is Scheme.HTTPS,
    }
    return frozenset(name for name, must in asked.items() if must)
