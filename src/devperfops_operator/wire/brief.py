"""What the operator tells the pods of the workers: one JSON document in an environment variable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from devperfops_operator.wire.threads import Offered

VARIABLE = "DEVPERFOPS_BRIEF"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
"""Which worker a pod is; set by Kubernetes for the pods of an Indexed Job."""
TOKEN_AUDIENCE = "devperfops"  # noqa: S105  the audience's name, not a secret


@dataclass(frozen=True, slots=True)
class Threshold:
    """A latency limit whose exceedances the agent counts exactly.

    `inclusive`: an elapsed time equal to the limit exceeds it (objective `< limit`);
    otherwise only a longer one does (objective `<= limit`).
    """

    elapsed_ms: int
    inclusive: bool

    def exceeded_by(self, elapsed_ms: int) -> bool:
        return elapsed_ms >= self.elapsed_ms if self.inclusive else elapsed_ms > self.elapsed_ms


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of lines that workers share: each gets its own of them. `header`: and all the first one."""

    file: str
    header: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the pod must find, below the folders of `wire.layout`.

    A `..._source` is for people: "ConfigMap scenario"; empty: there is none. `reads`: the properties the
    plan must read. `secrets`: names of Secrets whose keys become properties. `made`: the plan is, in the pod.
    """

    plan: str
    plan_source: str
    reads: tuple[str, ...]
    data_source: str = ""
    shards: tuple[Shard, ...] = ()
    secrets: tuple[str, ...] = ()
    plugins_source: str = ""
    made: bool = False

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Self:
        shards = tuple(Shard(**shard) for shard in raw["shards"])
        return cls(
            **{**raw, "reads": tuple(raw["reads"]), "shards": shards, "secrets": tuple(raw["secrets"])}
        )


@dataclass(frozen=True, slots=True)
class Brief:
    """The orders of a run's workers, which their pods have in common; durations in milliseconds.

    `properties` become JMeter's `-q` file, together with those of the worker's own share: one a worker.
    `transactions`: labels that objectives name; Transaction Controllers of these names are counted too.
    `host`: where the load is to go. `offered`: by each worker, of a load with a rate.
    """

    namespace: str
    run: str
    run_uid: str
    operator_url: str
    ramp_up_ms: int
    duration_ms: int
    thresholds: tuple[Threshold, ...]
    properties: dict[str, str]
    shares: tuple[dict[str, str], ...]
    inputs: Inputs
    transactions: tuple[str, ...] = ()
    host: str = ""
    offered: tuple[Offered, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        raw = json.loads(text)
        raw["thresholds"] = tuple(Threshold(**threshold) for threshold in raw["thresholds"])
        raw["shares"] = tuple(raw["shares"])
        raw["transactions"] = tuple(raw["transactions"])
        raw["offered"] = tuple(Offered.from_raw(offered) for offered in raw["offered"])
        raw["inputs"] = Inputs.from_raw(raw["inputs"])
        return cls(**raw)
