"""Manifests that must be accepted or refused: by `lint` (unit) and by a real API server (integration) alike."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ABSENT: Final = object()
"""Takes the field away."""

_GATE: Final = {
    "apiVersion": "devperfops.io/v1alpha1",
    "kind": "PerfGate",
    "metadata": {"name": "front-end"},
    "spec": {
        "targetRef": {"name": "front-end"},
        "load": {
            "jmeter": {
                "plan": {"configMap": "scenario"},
                "threads": 100,
                "rampUp": "3m",
                "rate": "3000/m",
                "duration": "10m",
            }
        },
        "objectives": [{"expect": "p99 < 2s"}, {"expect": "errors < 0.5%"}],
    },
}
_RUN: Final = {
    "apiVersion": "devperfops.io/v1alpha1",
    "kind": "PerfRun",
    "metadata": {"name": "before-the-sale"},
    "spec": {"gate": "front-end", "reason": "before the sale"},
}

_POLICY: Final = {
    "apiVersion": "devperfops.io/v1alpha1",
    "kind": "QuotaPolicy",
    "metadata": {"name": "january"},
    "spec": {
        "mode": "Enforce",
        "configMap": "january",
        "baseline": {"name": "load-test", "file": "load-test.yaml"},
        "serving": {"name": "production", "file": "production.yaml"},
        "services": [{"name": "ledger.googleapis.com", "metrics": ["read_calls"]}],
        "dimensionMap": {"region": {"test-eu": "europe-west1"}},
        "needs": [
            {
                "service": "ledger.googleapis.com",
                "metric": "read_calls",
                "unit": "1/min/{project}",
                "need": 1800,
                "from": "12-15",
                "to": "04-30",
                "because": "annual accounts",
            }
        ],
    },
}
_WAIVER: Final = {
    "apiVersion": "devperfops.io/v1alpha1",
    "kind": "QuotaWaiver",
    "metadata": {"name": "asked-for"},
    "spec": {
        "service": "ledger.googleapis.com",
        "metric": "read_calls",
        "reason": "asked for on 3 January",
        "approver": "Ada Byron",
        "expires": "2027-01-15T00:00:00Z",
    },
}


def gate(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A sound gate, then `{"spec.objectives.0.expect": ...}` changed in it."""
    return _changed(_GATE, changes or {})


def run(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A sound run, then changed."""
    return _changed(_RUN, changes or {})


def policy(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A sound quota policy, then changed."""
    return _changed(_POLICY, changes or {})


def waiver(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A sound waiver, then changed."""
    return _changed(_WAIVER, changes or {})


def _changed(sound: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    manifest: Any = copy.deepcopy(dict(sound))
    for path, value in changes.items():
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
        inner = manifest
        for part in parents:
            inner = inner[part]
        if value is ABSENT:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(value)
    return manifest


NEED: Final = "spec.needs.0"
METERED: Final = {
    "service": "ledger.googleapis.com",
    "metric": "read_calls",
    "unit": "1/min/{project}",
    "series": 'ledger_calls_total{app="shop"}',
}
CPU: Final = {"service": "resourcequota", "metric": "requests.cpu", "unit": "cores", "counts": "CPU"}
MEMORY: Final = {**CPU, "metric": "requests.memory", "unit": "GiBy", "counts": "Memory"}
JANUARY: Final = {"rate": "1000/m", "from": "01-01", "to": "01-31", "because": "as last year"}
JMETER: Final = "spec.load.jmeter"
FIRST: Final = "spec.objectives.0"
_COUNTERS: Final = {
    "good": 'requests_total{code!~"5.."}',
    "total": "requests_total",
    "expect": "good >= 99.9%",
}

_GAUGE: Final = {"query": "max(cpu)", "expect": "value < 0.8 for 95%"}

_BUCKETS: Final = 'request_duration_seconds_bucket{app="cart", path=~"/a{2}"}'

_COMPARED: Final = {
    "spec.load.baseline": {"host": "shop-stable"},
    "spec.load.workers": 2,
    f"{FIRST}.expect": "p95 < baseline + 15%",
}

_LIVE: Final = {
    "spec.load": ABSENT,
    "spec.live": {"duration": "10m"},
    "spec.objectives": [{"expect": "p99 < 2s", "histogram": _BUCKETS}, _COUNTERS],
    "spec.prometheus": "monitoring",
}

_COVERAGE: Final = {"traffic": 'requests_total{app="cart"}', "by": ["method", "route"]}
_COVERED: Final = {"spec.coverage": _COVERAGE, "spec.prometheus": "monitoring"}

_PROFILED: Final = {
    f"{JMETER}.rate": ABSENT,
    f"{JMETER}.threads": ABSENT,
    "spec.load.profile": {"configMap": "shop-profile"},
    "spec.coverage": {"maxDistance": "10%", "labels": [{"label": "Order", "endpoint": "POST /orders"}]},
}

_RESET: Final = {"job": {"image": "shop-data:7"}}
_MYSQL: Final = {
    "image": "mariadb:10.11",
    "database": "shop",
    "dump": "/golden/shop.sql.gz",
    "volumes": [{"pvc": "golden", "mountPath": "/golden"}],
}
_MONGODB: Final = {
    "image": "mongo:7.0",
    "database": "shop",
    "dump": "/golden/shop.archive.gz",
    "volumes": [{"pvc": "golden", "mountPath": "/golden"}],
    "verify": {"collection": "orders", "pipeline": '[{"$count": "n"}]', "expect": '{"n": 120000}'},
}
_VOLUME: Final = {
    "volumeSnapshot": {"snapshot": "golden", "claim": "data-db-0"},
    "quiesce": [{"kind": "StatefulSet", "name": "db"}],
}
_HTTP: Final = {"url": "http://shop-data:8080/reset"}
_POSTGRES: Final = {"image": "postgres:15", "database": "shop", "template": "shop_golden"}
_PASSWORD: Final = {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}

VALID: Final[Mapping[str, dict[str, Any]]] = {
    "the example": gate(),
    "a policy": policy(),
    "a policy for the command alone": policy(
        {
            "spec.configMap": ABSENT,
            "spec.baseline": {"name": "test", "kubernetes": {"context": "test", "namespace": "shop"}},
            "spec.serving": {
                "name": "live",
                "google": {"project": "shop", "api": "ServiceConsumerManagement"},
            },
        }
    ),
    "a policy of clouds and proxies": policy(
        {
            "spec.configMap": ABSENT,
            "spec.baseline": {
                "name": "test",
                "envoy": {
                    "kubernetes": {
                        "context": "test",
                        "namespaces": ["shop"],
                        "configMaps": [{"namespace": "shop", "name": "ratelimit"}],
                    }
                },
            },
            "spec.serving": {"name": "live", "aws": {"regions": ["eu-west-1"], "profile": "live"}},
        }
    ),
    "a policy of two more clouds": policy(
        {
            "spec.configMap": ABSENT,
            "spec.baseline": {"name": "test", "azure": {"subscription": "a", "locations": ["westeurope"]}},
            "spec.serving": {"name": "live", "google": {"project": "p", "api": "CloudQuotas"}},
        }
    ),
    "a policy of files of proxies": policy(
        {"spec.baseline": {"name": "test", "envoy": {"files": ["envoy.yaml"]}}, "spec.services": ABSENT}
    ),
    "what requests take": policy(
        {
            "spec.consumption": {
                "metered": [METERED, {**METERED, "dimensions": {"region": "eu"}}, CPU, MEMORY],
                "requests": "http_requests_total",
                "traffic": 'http_requests_total{env="production"}',
                "peaks": [JANUARY, {"rate": "20/s", "because": "sales"}],
            },
            "spec.leadTimes": [
                {"provider": "google", "kind": "rate", "days": 20},
                {"service": "ledger.googleapis.com", "metric": "read_calls", "days": 0},
            ],
        }
    ),
    "numbers with a point": policy({"spec.scale": "2.5", "spec.safety": 2, NEED + ".need": "0.5"}),
    "the largest policy": policy(
        {
            "spec.services": [
                {"name": f"{n:0253}", "metrics": [f"{m:0253}" for m in range(10)]} for n in range(100)
            ],
            "spec.dimensionMap": {f"d{n}": {f"{m:0250}": f"{m:0253}" for m in range(50)} for n in range(8)},
            "spec.needs": [
                {
                    **_POLICY["spec"]["needs"][0],
                    "service": f"{n:0253}",
                    "metric": f"{n:0253}",
                    "unit": "u" * 64 + "/min" + "/{project}" * 18,
                    "because": "b" * 1024,
                }
                for n in range(100)
            ],
        }
    ),
    "a waiver": waiver(),
    "a waiver for a region": waiver({"spec.dimensions": {"region": "eu"}}),
    "a gate with a policy": gate({"spec.quota": {"policy": "january"}}),
    "a gate with a policy in a ConfigMap": gate({"spec.quota": {"configMap": "january"}}),
    "no ramp, no rate": gate({f"{JMETER}.rampUp": ABSENT, f"{JMETER}.rate": ABSENT}),
    "as long as it takes": gate({f"{JMETER}.duration": "auto", f"{JMETER}.maxDuration": "30m"}),
    "one that counts more": gate({f"{FIRST}.weight": 100}),
    "no patience": gate({"spec.patience": {"failAfter": "0s", "passAfter": "1m"}}),
    "longer if need be": gate({f"{JMETER}.maxDuration": "30m"}),
    "hours and seconds": gate({f"{JMETER}.duration": "1h0m90s", f"{JMETER}.rampUp": "0s"}),
    "nothing where there is a default": gate({f"{JMETER}.rampUp": None, "spec.actions": {"onPass": None}}),
    "rate per second": gate({f"{JMETER}.rate": "50/s"}),
    "rate per hour": gate({f"{JMETER}.rate": "120000/h"}),
    "a key of its own": gate({f"{JMETER}.plan.key": "checkout.jmx"}),
    "at most, decimals, no spaces": gate({f"{FIRST}.expect": "p99.99<=1.5s"}),
    "milliseconds": gate({f"{FIRST}.expect": "p50 < 300ms"}),
    "minutes, spaces around": gate({f"{FIRST}.expect": "  p1 <  1m "}),
    "counters": gate({FIRST: _COUNTERS, "spec.prometheus": "monitoring"}),
    "a gauge": gate({FIRST: _GAUGE, "spec.prometheus": "monitoring"}),
    "no load": gate(_LIVE),
    "no load, and a gauge that only warns": gate(
        {**_LIVE, "spec.live": {"duration": "24h"}, "spec.objectives.1": {**_GAUGE, "critical": False}}
    ),
    "no load, a gauge beside a counter": gate({**_LIVE, "spec.objectives.0": _GAUGE}),
    "coverage": gate(_COVERED),
    "all of coverage, without load": gate(
        {
            **_LIVE,
            "spec.coverage": {
                **_COVERAGE,
                "tested": 'requests_total{app="cart-canary"}',
                "weeks": 4,
                "minVolume": "2.5%",
                "minEndpoints": "99%",
                "maxDistance": "20%",
                "maxUnseen": "0%",
            },
        }
    ),
    "a histogram": gate({f"{FIRST}.histogram": _BUCKETS, "spec.prometheus": "monitoring"}),
    "a histogram by its name alone": gate(
        {f"{FIRST}.histogram": " shop:latency_ms_bucket ", "spec.prometheus": "monitoring"}
    ),
    "a gauge all the time, above zero": gate(
        {FIRST: {**_GAUGE, "expect": "value >= -0.000000001 for 100%"}, "spec.prometheus": "monitoring"}
    ),
    "two of a kind with names": gate(
        {f"{FIRST}.name": "fast", "spec.objectives.1": {"expect": "p99 < 2s", "name": "slow"}}
    ),
    "a host that is no Service": gate(
        {"spec.load.target": {"host": "192.0.2.7", "port": 8443, "scheme": "https"}}
    ),
    "names of properties, and more of them": gate(
        {
            f"{JMETER}.propertyNames": {"threads": "users", "host": "target.host"},
            f"{JMETER}.properties": {"Locale": "ja", "NumOfThreads": "7"},
        }
    ),
    "64 properties": gate({f"{JMETER}.properties": {f"{n:0128}": "v" * 1024 for n in range(64)}}),
    "everything of the load's pods": gate(
        {
            JMETER: {
                **_GATE["spec"]["load"]["jmeter"],
                "image": "registry.example:5000/load/jmeter@sha256:" + "0123456789abcdef" * 4,
                "command": ["/opt/jmeter/bin/jmeter", "-Xmx2g"],
                "resources": {
                    "requests": {"cpu": "500m", "memory": "2Gi"},
                    "limits": {"cpu": 1, "memory": "2Gi"},
                },
                "nodeSelector": {"example.com/pool": "load"},
                "tolerations": [
                    {"key": "load", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
                ],
                "imagePullSecrets": [{"name": "registry"}],
                "labels": {"team": "shop", "sidecar.istio.io/inject": "false"},
                "annotations": {"linkerd.io/inject": "disabled"},
            }
        }
    ),
    "a plan made from a document": gate(
        {f"{JMETER}.plan": {"configMap": "api", "openAPI": {"document": "openapi.yaml", "overlay": "o.yaml"}}}
    ),
    "a document that refers to another server": gate(
        {
            f"{JMETER}.plan": {
                "openAPI": {"path": "/openapi.json", "follow": ["https://schemas.example.com:8443"]},
            }
        }
    ),
    "a plan made from what the target says": gate({f"{JMETER}.plan": {"openAPI": {"path": "/openapi.json"}}}),
    "production's busiest hour": gate(
        {
            f"{JMETER}.plan": {"openAPI": {"path": "/v3/api-docs?group=a"}},
            f"{JMETER}.rate": ABSENT,
            f"{JMETER}.threads": ABSENT,
            "spec.load.profile": {"configMap": "shop-profile"},
        }
    ),
    "half again as busy, in January": gate(
        {
            f"{JMETER}.rate": ABSENT,
            f"{JMETER}.threads": ABSENT,
            f"{JMETER}.duration": "auto",
            f"{JMETER}.maxDuration": "30m",
            "spec.load.workers": 4,
            "spec.load.profile": {
                "configMap": "shop-profile",
                "key": "shop.yaml",
                "scale": 1.5,
                "season": "year-end",
                "stall": "5s",
                "acceptDoubts": True,
            },
        }
    ),
    "a spike": gate({"spec.load.shape": {"spike": {"factor": 5, "after": "2m", "length": "1m"}}}),
    "ever more": gate({"spec.load.shape": {"stress": {"factor": 4, "steps": 10}}}),
    "twice the busiest hour, by steps": gate(
        {**_PROFILED, "spec.load.shape": {"stress": {"factor": 2.5, "steps": 4}}}
    ),
    "the profile's mix, by what JMeter sent": gate(_PROFILED),
    "the profile's mix, by what the target counts": gate(
        {
            **_PROFILED,
            "spec.coverage": {"tested": "requests_total", "by": ["method", "route"]},
            "spec.prometheus": "monitoring",
        }
    ),
    "twice as busy, written as a whole number": gate(
        {
            f"{JMETER}.rate": ABSENT,
            f"{JMETER}.threads": ABSENT,
            "spec.load.profile": {"configMap": "shop-profile", "scale": 2},
        }
    ),
    "a plan and data on volumes": gate(
        {
            JMETER: {
                **_GATE["spec"]["load"]["jmeter"],
                "plan": {"pvc": "plans", "key": "shop/checkout v2.jmx"},
                "data": {
                    "pvc": "data",
                    "shards": [{"file": "users.csv", "header": True}, {"file": "cards.csv"}],
                },
            }
        }
    ),
    "properties from Secrets, plugins": gate(
        {
            f"{JMETER}.propertiesFrom": [{"secret": "shop-login"}, {"secret": "cards"}],
            f"{JMETER}.plugins": {"configMap": "plugins"},
        }
    ),
    "plugins on a volume, eight Secrets": gate(
        {
            f"{JMETER}.propertiesFrom": [{"secret": f"{n:0253}"} for n in range(8)],
            f"{JMETER}.plugins": {"pvc": "plugins"},
        }
    ),
    "data in a ConfigMap": gate({f"{JMETER}.data": {"configMap": "data"}}),
    "16 shared files": gate(
        {f"{JMETER}.data": {"pvc": "p" * 253, "shards": [{"file": f"{n:0253}"} for n in range(16)]}}
    ),
    "as many of everything as there may be": gate(
        {
            JMETER: {
                **_GATE["spec"]["load"]["jmeter"],
                "image": "i" * 512,
                "command": ["c" * 1024] * 16,
                "nodeSelector": {f"{n:0300}": "v" * 63 for n in range(16)},
                "tolerations": [{"key": "k" * 316, "value": "v" * 63}] * 16,
                "imagePullSecrets": [{"name": "s" * 253}] * 8,
                "labels": {f"{n:0300}": "v" * 63 for n in range(16)},
                "annotations": {f"{n:0300}": "v" * 4096 for n in range(16)},
            }
        }
    ),
    "two transactions": gate(
        {
            f"{FIRST}.transaction": "GET /cart",
            "spec.objectives.1": {"expect": "errors < 1%", "transaction": "c" * 200},
        }
    ),
    "one that decides nothing, and where its threshold comes from": gate(
        {"spec.objectives.1": {"expect": "errors < 0.5%", "critical": False, "origin": "SLA"}}
    ),
    "a quota policy": gate({"spec.quota": {"configMap": "january"}}),
    "limits of SLOs": gate(
        {
            "spec.objectives": [
                {"sloRef": {"configMap": "slos", "slo": "cart-latency", "target": "99.9%"}},
                {
                    "name": "up",
                    "sloRef": {"configMap": "slos", "key": "all.yaml", "slo": "cart-up"},
                    "good": "ok_total",
                    "total": "all_total",
                },
                {"sloRef": {"configMap": "slos", "slo": "users"}, "histogram": "x_seconds_bucket"},
            ],
            "spec.prometheus": "monitoring",
        }
    ),
    "earlier runs": gate({f"{FIRST}.expect": "p95 < past + 15%"}),
    "a baseline": gate(_COMPARED),
    "a baseline elsewhere": gate(
        {**_COMPARED, "spec.load.baseline": {"host": "old.example", "port": 8443, "scheme": "https"}}
    ),
    "64 workers": gate({"spec.load.workers": 64, f"{JMETER}.threads": 64}),
    "32 objectives": gate({"spec.objectives": [{"expect": f"p99 < {n}ms"} for n in range(1, 33)]}),
    "hold, no trigger": gate({"spec.actions": {"onFail": "Hold"}, "spec.triggers": {"rollout": False}}),
    "every choice of what follows": gate(
        {
            "spec.actions": {"onPass": "Hold", "onFail": "Hold", "onInconclusive": "Promote"},
            "spec.mode": "Observe",
            "spec.initial": "Test",
            "spec.suspend": True,
            "spec.historyLimit": 1000,
            "spec.environment": "staging",
        }
    ),
    "a primary": gate({"spec.promoteTo": "front-end-primary"}),
    "an override": gate(
        {
            "spec.override": {
                "revision": "5f1d0c2ab9",
                "reason": "the sale begins",
                "by": "anna",
                "expires": "2026-11-25T18:00:00.5+01:00",
            }
        }
    ),
    "40 characters": gate({"metadata.name": "g" * 40}),
    "a key that is dots and a line break": gate({f"{JMETER}.plan.key": "..\n"}),
    "queries of several lines": gate(
        {
            FIRST: {**_COUNTERS, "good": 'requests_total{\n  code="200"\n}\n', "total": "requests_total\n"},
            "spec.prometheus": "monitoring",
        }
    ),
    "data that are reset": gate({"spec.data": _RESET}),
    "a PostgreSQL database that is reset": gate({"spec.data": {"postgres": _POSTGRES}}),
    "all of a PostgreSQL reset": gate(
        {
            "spec.data": {
                "postgres": {
                    **_POSTGRES,
                    "database": "Shop-7.test",
                    "envFrom": [{"secretRef": {"name": "shop-db"}}],
                    "verify": {"query": "SELECT count(*)\nFROM orders", "expect": "500"},
                    "volumes": [{"configMap": "ca", "mountPath": "/ca"}],
                }
            }
        }
    ),
    "a MySQL database that is reset": gate({"spec.data": {"mysql": _MYSQL}}),
    "a MongoDB database that is reset": gate({"spec.data": {"mongodb": _MONGODB}}),
    "a pipeline of several lines": gate(
        {
            "spec.data": {
                "mongodb": {
                    **_MONGODB,
                    "verify": {**_MONGODB["verify"], "pipeline": ' [\n{"$count": "n"}\n]\n'},
                }
            }
        }
    ),
    "a service that resets": gate({"spec.data": {"http": _HTTP}}),
    "a volume from a snapshot": gate({"spec.data": _VOLUME}),
    "a reset while all is quiet": gate(
        {"spec.data": {**_RESET, "quiesce": [{"name": "db"}, {"kind": "StatefulSet", "name": "db"}]}}
    ),
    "all of a call": gate(
        {
            "spec.data": {
                "http": {
                    "url": "https://shop-data.example/v1/reset?golden=january",
                    "method": "PUT",
                    "headers": [
                        {"name": "Authorization", "valueFrom": _PASSWORD["valueFrom"]},
                        {"name": "X-Team", "value": "shop"},
                    ],
                    "body": '{"snapshot": "golden"}',
                    "statuses": [200, 202],
                    "poll": {"url": "https://shop-data.example/v1/state", "contains": "done", "every": "5s"},
                }
            }
        }
    ),
    "all of a reset": gate(
        {
            "spec.data": {
                "timeout": "1h",
                "job": {
                    "image": "registry.example/shop-data:7",
                    "command": ["sh", "-c"],
                    "args": ["psql --file=/golden/shop.sql"],
                    "env": [{"name": "PGHOST", "value": "db"}, _PASSWORD],
                    "envFrom": [{"secretRef": {"name": "more"}}],
                    "volumes": [
                        {"configMap": "golden", "mountPath": "/golden"},
                        {"pvc": "dumps", "mountPath": "/dumps"},
                    ],
                    "serviceAccountName": "resetter",
                    "imagePullSecrets": [{"name": "registry"}],
                    "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}},
                    "securityContext": {
                        "runAsUser": 0,
                        "runAsGroup": 0,
                        "fsGroup": 0,
                        "runAsNonRoot": False,
                        "readOnlyRootFilesystem": False,
                    },
                },
            }
        }
    ),
    "a run": run(),
    "a run of 52 characters, without reason": run({"metadata.name": "r" * 52, "spec.reason": ABSENT}),
}


@dataclass(frozen=True)
class Refused:
    """`field`: where the API server says it is wrong. `lint_says`: where Python can say more."""

    manifest: dict[str, Any]
    field: str
    says: str
    lint_says: str = ""

    @property
    def lint_sentence(self) -> str:
        return self.lint_says or self.says


def _expect(text: str, says: str, lint_says: str) -> Refused:
    return Refused(gate({f"{FIRST}.expect": text}), "spec.objectives[0].expect", says, lint_says)


def _reset(changes: Mapping[str, Any], field: str, says: str) -> Refused:
    data = {"job": {**_RESET["job"], **changes}}
    return Refused(gate({"spec.data": data}), f"spec.data.job.{field}", says)


def _call(changes: Mapping[str, Any], field: str, says: str) -> Refused:
    return Refused(gate({"spec.data": {"http": {**_HTTP, **changes}}}), f"spec.data.http.{field}", says)


_OVERRIDE: Final = {"revision": "5f1d0c2ab9", "reason": "sale", "expires": "2026-11-25T18:00:00Z"}
_TWO_OF_A_NAME: Final = "two objectives have the same name"
_DURATION: Final = "is not a duration: write for example 90s, 10m or 1h30m"
_RATE: Final = "is not a rate: write samples per minute or second"
_RAMP: Final = "rampUp (10m) must be shorter than duration (10m)"

_LINE_BREAKS: Final = {
    # where a text with a line break behind it is not the text without
    "spec.coverage.traffic": (_COVERED, "requests_total\n", "in one line"),
    "spec.coverage.tested": (_COVERED, 'requests_total{app="a",\npath="/"}', "in one line"),
    "spec.coverage.by[0]": (_COVERED, "route\n", "is not the name of a label"),
    "spec.coverage.minEndpoints": (_COVERED, "90%\n", "is not a percentage"),
    "spec.objectives[0].histogram": (_LIVE, "latency_seconds_bucket\n", "in one line"),
    "spec.live.duration": (_LIVE, "10m\n", "is not a duration"),
    "spec.targetRef.name": ({}, "front-end\n", "is not the name of a Deployment"),
    "spec.environment": ({}, "staging\n", "is not the name of an environment"),
    f"{JMETER}.rate": ({}, "3000/m\n", "is not a rate"),
    f"{JMETER}.propertyNames.rate": (
        {f"{JMETER}.propertyNames": {}},
        "tpm\n",
        "is not the name of a property",
    ),
}

REFUSED: Final[Mapping[str, Refused]] = {
    # quota
    "no quota policy": Refused(
        gate({"spec.quota": {}}), "spec.quota", "needs one of policy and configMap: write the name of"
    ),
    "two quota policies": Refused(
        gate({"spec.quota": {"policy": "a", "configMap": "b"}}), "spec.quota", "needs one of policy and"
    ),
    "a policy without a name": Refused(
        gate({"spec.quota": {"policy": ""}}), "spec.quota.policy", "is empty: write the name of a QuotaPolicy"
    ),
    "an environment without a source": Refused(
        policy({"spec.serving": {"name": "production"}}),
        "spec.serving",
        "needs one of file, kubernetes, envoy, google, aws and azure: write where its limits are told",
    ),
    "an environment with two": Refused(
        policy({"spec.serving.google": {"project": "p"}}),
        "spec.serving",
        "needs one of file, kubernetes, envoy",
    ),
    "two environments of a name": Refused(
        policy({"spec.serving.name": "load-test"}),
        "spec.serving",
        "baseline and serving have the same name",
    ),
    "a producer without services": Refused(
        policy(
            {
                "spec.services": ABSENT,
                "spec.baseline": {
                    "name": "test",
                    "google": {"project": "p", "api": "ServiceConsumerManagement"},
                },
            }
        ),
        "spec.services",
        "services is needed with aws, azure, CloudQuotas and ServiceConsumerManagement",
    ),
    "an account without services": Refused(
        policy(
            {"spec.services": ABSENT, "spec.serving": {"name": "live", "aws": {"regions": ["eu-west-1"]}}}
        ),
        "spec.services",
        "services is needed with aws",
    ),
    "a subscription without services": Refused(
        policy(
            {
                "spec.services": ABSENT,
                "spec.baseline": {
                    "name": "test",
                    "azure": {"subscription": "a", "locations": ["westeurope"]},
                },
            }
        ),
        "spec.services",
        "services is needed with aws, azure",
    ),
    "Cloud Quotas without services": Refused(
        policy(
            {
                "spec.services": ABSENT,
                "spec.serving": {"name": "live", "google": {"project": "p", "api": "CloudQuotas"}},
            }
        ),
        "spec.services",
        "services is needed with aws, azure, CloudQuotas",
    ),
    "rate limits from nowhere": Refused(
        policy({"spec.serving": {"name": "live", "envoy": {}}}),
        "spec.serving.envoy",
        "needs one of files and kubernetes: write where its configuration is",
    ),
    "rate limits from two places": Refused(
        policy(
            {
                "spec.serving": {
                    "name": "live",
                    "envoy": {"files": ["a.yaml"], "kubernetes": {"context": "a", "namespaces": ["shop"]}},
                }
            }
        ),
        "spec.serving.envoy",
        "needs one of files and kubernetes: write where its configuration is",
    ),
    "rate limits of no namespace": Refused(
        policy({"spec.serving": {"name": "live", "envoy": {"kubernetes": {"context": "a"}}}}),
        "spec.serving.envoy.kubernetes",
        "needs namespaces or configMaps: write where EnvoyFilters",
    ),
    "a service twice": Refused(
        policy({"spec.services": [{"name": "a"}, {"name": "a"}]}), "spec.services", "a service is there twice"
    ),
    "two values of a name": Refused(
        policy({"spec.dimensionMap": {"region": {"a": "eu", "b": "eu"}}}),
        "spec.dimensionMap",
        "gives two values of a dimension the same name: write one of its own for each",
    ),
    "a policy's need without an end": Refused(
        policy({f"{NEED}.to": ABSENT}), "spec.needs[0]", "from and to belong together: write both days"
    ),
    "a 13th month": Refused(
        policy({f"{NEED}.from": "13-01"}), "spec.needs[0].from", '"13-01" is not a day of the year'
    ),
    "a unit that is none": Refused(
        policy({f"{NEED}.unit": "1/fortnight"}), "spec.needs[0].unit", '"1/fortnight" is not a unit: write'
    ),
    "needs less than nothing": Refused(
        policy({f"{NEED}.need": -1}), "spec.needs[0].need", '"-1" is not a number'
    ),
    "nothing that is metered": Refused(
        policy({"spec.consumption": {"metered": []}}), "spec.consumption.metered", "is empty: write at least"
    ),
    "a limit metered twice": Refused(
        policy({"spec.consumption": {"metered": [METERED, METERED]}}),
        "spec.consumption.metered",
        "a limit is there twice",
    ),
    "calls that nobody counts": Refused(
        policy({"spec.consumption": {"metered": [{**CPU, "counts": "Calls", "unit": "1/min"}]}}),
        "spec.consumption.metered[0].series",
        "series is needed to count calls: write the raw counter",
    ),
    "calls in no time": Refused(
        policy({"spec.consumption": {"metered": [{**METERED, "unit": "1"}]}}),
        "spec.consumption.metered[0].unit",
        "unit does not fit what is counted: write 1/min or such for Calls",
    ),
    "processors in bytes": Refused(
        policy({"spec.consumption": {"metered": [{**CPU, "unit": "By"}]}}),
        "spec.consumption.metered[0].unit",
        "unit does not fit what is counted",
    ),
    "memory in cores": Refused(
        policy({"spec.consumption": {"metered": [{**MEMORY, "unit": "cores"}]}}),
        "spec.consumption.metered[0].unit",
        "unit does not fit what is counted",
    ),
    "calls as a query": Refused(
        policy({"spec.consumption": {"metered": [{**METERED, "series": "sum(calls_total)"}]}}),
        "spec.consumption.metered[0].series",
        "is not a raw series: write its name and labels",
    ),
    "a peak without a unit": Refused(
        policy({"spec.consumption": {"metered": [METERED], "peaks": [{**JANUARY, "rate": "1000"}]}}),
        "spec.consumption.peaks[0].rate",
        '"1000" is not a rate: write samples per minute',
    ),
    "a peak of half a season": Refused(
        policy(
            {
                "spec.consumption": {
                    "metered": [METERED],
                    "peaks": [{"rate": "1/s", "from": "01-01", "because": "x"}],
                }
            }
        ),
        "spec.consumption.peaks[0]",
        "from and to belong together: write both days",
    ),
    "a lead time of nothing": Refused(
        policy({"spec.leadTimes": [{"days": 3}]}),
        "spec.leadTimes[0]",
        "is about no limit: write provider, kind, service or metric",
    ),
    "a lead time of years": Refused(
        policy({"spec.leadTimes": [{"provider": "aws", "days": 999}]}),
        "spec.leadTimes[0].days",
        "days must lie between 0 and 365",
    ),
    "a scale of nothing": Refused(policy({"spec.scale": 0}), "spec.scale", '"0" is not'),
    "a year's lead": Refused(
        policy({f"{NEED}.leadDays": 400}), "spec.needs[0].leadDays", "leadDays must lie between 0 and 365"
    ),
    "limits of no age": Refused(policy({"spec.maxAge": "0s"}), "spec.maxAge", '"0s" is no time at all'),
    "checked each second": Refused(
        policy({"spec.interval": "1s"}), "spec.interval", "1s is less than a minute: write 1m or more"
    ),
    "policy name with a dot": Refused(
        policy({"metadata.name": "january.2027"}), "", 'metadata.name "january.2027" has a dot'
    ),
    "a waiver without a reason": Refused(
        waiver({"spec.reason": ""}), "spec.reason", "is empty: write something"
    ),
    "a waiver that ends no time": Refused(
        waiver({"spec.expires": "soon"}), "spec.expires", '"soon" is not a moment: write date, time and zone'
    ),
    **{
        f"a line break in {field}": Refused(
            gate({**sound, field.replace("[", ".").replace("]", ""): text}), field, says
        )
        for field, (sound, text, says) in _LINE_BREAKS.items()
    },
    # data
    "data of real users": Refused(
        gate({**_LIVE, "spec.data": _RESET}), "spec.data", "live judges real users' traffic"
    ),
    "no time to reset data": Refused(
        gate({"spec.data": {**_RESET, "timeout": "0s"}}), "spec.data.timeout", "is no time at all"
    ),
    "a reset in no way": Refused(
        gate({"spec.data": {"timeout": "5m"}}), "spec.data", "there must be one way to reset the data"
    ),
    "a reset in two ways": Refused(
        gate({"spec.data": {**_RESET, "postgres": _POSTGRES}}),
        "spec.data",
        "there must be one way to reset the data",
    ),
    "a database that is its own golden copy": Refused(
        gate({"spec.data": {"postgres": {**_POSTGRES, "template": "shop"}}}),
        "spec.data.postgres.template",
        'template "shop" is the database itself',
    ),
    "a database by a connection string": Refused(
        gate({"spec.data": {"postgres": {**_POSTGRES, "database": "dbname=shop"}}}),
        "spec.data.postgres.database",
        '"dbname=shop" is not the name of a database that can be reset',
    ),
    "the server's own database": Refused(
        gate({"spec.data": {"mysql": {**_MYSQL, "database": "MySQL"}}}),
        "spec.data.mysql.database",
        '"MySQL" is the server\'s own database or that of the marks',
    ),
    "the database of the marks": Refused(
        gate({"spec.data": {"mongodb": {**_MONGODB, "database": "DevPerfOps"}}}),
        "spec.data.mongodb.database",
        '"DevPerfOps" is the server\'s own database or that of the marks',
    ),
    "a database with a dot": Refused(
        gate({"spec.data": {"mongodb": {**_MONGODB, "database": "shop.orders"}}}),
        "spec.data.mongodb.database",
        '"shop.orders" is not the name of a database that can be reset',
    ),
    "a MongoDB dump from nowhere": Refused(
        gate({"spec.data": {"mongodb": {k: v for k, v in _MONGODB.items() if k != "volumes"}}}),
        "spec.data.mongodb.volumes",
        "the dump must come from a volume",
    ),
    "a verification that writes": Refused(
        gate(
            {
                "spec.data": {
                    "mongodb": {**_MONGODB, "verify": {**_MONGODB["verify"], "pipeline": '[{"$out": "x"}]'}}
                }
            }
        ),
        "spec.data.mongodb.verify.pipeline",
        "writes to the database",
    ),
    "a verification that is no pipeline": Refused(
        gate(
            {
                "spec.data": {
                    "mongodb": {**_MONGODB, "verify": {**_MONGODB["verify"], "pipeline": "db.orders.count()"}}
                }
            }
        ),
        "spec.data.mongodb.verify.pipeline",
        "is not an aggregation pipeline",
    ),
    "a dump that is a folder": Refused(
        gate({"spec.data": {"mysql": {**_MYSQL, "dump": "/golden/"}}}),
        "spec.data.mysql.dump",
        '"/golden/" is not a file in the container',
    ),
    "a dump from nowhere": Refused(
        gate({"spec.data": {"mysql": {key: _MYSQL[key] for key in ("image", "database", "dump")}}}),
        "spec.data.mysql.volumes",
        "the dump must come from a volume",
    ),
    "a volume that is in use": Refused(
        gate({"spec.data": {"volumeSnapshot": _VOLUME["volumeSnapshot"]}}),
        "spec.data.quiesce",
        "a volume is replaced while no pod uses it",
    ),
    "a volume from no snapshot": Refused(
        gate({"spec.data": {**_VOLUME, "volumeSnapshot": {"snapshot": "", "claim": "data"}}}),
        "spec.data.volumeSnapshot.snapshot",
        "is empty: write the name of a VolumeSnapshot",
    ),
    "quiet of nothing": Refused(
        gate({"spec.data": {**_RESET, "quiesce": []}}), "spec.data.quiesce", "is empty: write what to scale"
    ),
    "a workload named twice": Refused(
        gate({"spec.data": {**_RESET, "quiesce": [{"name": "db"}, {"kind": "Deployment", "name": "db"}]}}),
        "spec.data.quiesce",
        "a workload is named twice",
    ),
    "a call of nobody": _call({"url": "shop-data:8080/reset"}, "url", "is not an address to call"),
    "a call with a password in its address": _call(
        {"url": "http://me:secret@shop-data/reset"}, "url", "without user and password"
    ),
    "a header with two values": _call(
        {"headers": [{"name": "X-Team", "value": "shop", "valueFrom": _PASSWORD["valueFrom"]}]},
        "headers[0]",
        'header "X-Team" must have one value',
    ),
    "a header named twice": _call(
        {"headers": [{"name": "X-Team", "value": each} for each in "ab"]},
        "headers",
        "a header is named twice",
    ),
    "a header that is none": _call(
        {"headers": [{"name": "X Team", "value": "shop"}]}, "headers[0].name", "is not the name of a header"
    ),
    "no status is a success": _call({"statuses": []}, "statuses", "is empty: write the statuses"),
    "a status that is none": _call({"statuses": [100]}, "statuses[0]", "is not a status that ends a request"),
    "a poll without pause": _call({"poll": {**_HTTP, "every": "0s"}}, "poll.every", "is no time at all"),
    "a poll for nothing": _call({"poll": {**_HTTP, "contains": ""}}, "poll.contains", "is empty: write what"),
    "a verification without query": Refused(
        gate({"spec.data": {"postgres": {**_POSTGRES, "verify": {"query": "", "expect": "1"}}}}),
        "spec.data.postgres.verify.query",
        "is empty: write a query",
    ),
    "a reset without an image that is one": _reset({"image": "shop data"}, "image", "is not an image"),
    "a reset by nothing": _reset({"command": []}, "command", "is empty: write what to run"),
    "a variable without value": _reset(
        {"env": [{"name": "PGHOST"}]}, "env[0]", 'variable "PGHOST" must have one value'
    ),
    "a variable with two values": _reset(
        {"env": [{**_PASSWORD, "value": "secret"}]}, "env[0]", 'variable "PGPASSWORD" must have one value'
    ),
    "a variable named twice": _reset(
        {"env": [_PASSWORD, _PASSWORD]}, "env", "a variable is named twice: write each one once"
    ),
    "a variable that is none": _reset(
        {"env": [{"name": "PG-HOST", "value": "db"}]}, "env[0].name", "is not the name of a variable"
    ),
    "a folder that is none": _reset(
        {"volumes": [{"pvc": "dumps", "mountPath": "dumps"}]},
        "volumes[0].mountPath",
        '"dumps" is not a folder to mount at',
    ),
    "a volume over /tmp": _reset(
        {"volumes": [{"pvc": "dumps", "mountPath": "/tmp"}]}, "volumes[0].mountPath", "/tmp is there already"
    ),
    "two volumes in one folder": _reset(
        {"volumes": [{"pvc": name, "mountPath": "/dumps"} for name in ("a", "b")]},
        "volumes",
        "two volumes are mounted at one path",
    ),
    "a volume from nowhere": _reset(
        {"volumes": [{"mountPath": "/dumps"}]}, "volumes[0]", "there must be one place to take it from"
    ),
    "a user below 0": _reset(
        {"securityContext": {"runAsUser": -1}},
        "securityContext.runAsUser",
        "is not the number of a user or group",
    ),
    "a ServiceAccount without a name": _reset(
        {"serviceAccountName": ""}, "serviceAccountName", "write the name of a ServiceAccount"
    ),
    # expect
    "no operator": _expect(
        "p99 2s", '"p99 2s" is not understood after "p99 ": write < or <=', "character 5: write < or <= here"
    ),
    "p101": _expect("p101 < 2s", 'after "p10": write a percentile of at least 1 and under 100', "under 100"),
    "p100": _expect("p100 < 2s", 'after "p10": write a percentile of at least 1 and under 100', "under 100"),
    "p0": _expect("p0 < 2s", 'after "p": write a percentile of at least 1', "at least 1"),
    "limit 0": _expect("p99 < 0.0s", "has no limit above 0", "the limit must be above 0"),
    "no errors at all": _expect("errors < 0%", "has no limit above 0", "no test can prove a share of 0"),
    "errors against a baseline": _expect(
        "errors < baseline + 1%", "which only a percentile is: write", "only a percentile is compared"
    ),
    "a baseline without tolerance": _expect(
        "p99 < baseline", "write + and a percentage from 1%", "write + and a percentage from 1% to 999%"
    ),
    "a baseline with a tolerance under 1 %": _expect(
        "p99 < baseline + 0.5%", "write + and a percentage from 1%", "percentage from 1% to 999%"
    ),
    "errors against earlier runs": _expect(
        "errors < past + 1%", "which only a percentile is: write", "only a percentile is compared"
    ),
    "earlier runs without tolerance": _expect(
        "p99 < past", "write + and a percentage from 1%", "write + and a percentage from 1% to 999%"
    ),
    "earlier runs without a rate": Refused(
        gate({f"{FIRST}.expect": "p95 < past + 15%", f"{JMETER}.rate": ABSENT}),
        "spec.objectives",
        "compares with earlier runs, which are to have had the same load: write load.jmeter.rate",
    ),
    "earlier runs by a histogram": Refused(
        gate(
            {
                f"{FIRST}.expect": "p95 < past + 15%",
                f"{FIRST}.histogram": _BUCKETS,
                "spec.prometheus": "monitoring",
            }
        ),
        "spec.objectives[0]",
        "is judged by samples of the load: leave histogram out",
    ),
    "a baseline that nobody names": Refused(
        gate({f"{FIRST}.expect": "p99 < baseline + 15%"}),
        "spec.objectives",
        "none is loaded: write load.baseline with the host",
    ),
    "a baseline that nobody compares with": Refused(
        gate({"spec.load.baseline": {"host": "shop-stable"}, "spec.load.workers": 2}),
        "spec.objectives",
        "no objective compares with load.baseline: write one such as",
    ),
    "a baseline without a worker": Refused(
        gate({**_COMPARED, "spec.load.workers": 3}),
        "spec.load.workers",
        "half of the workers play the baseline: write an even number",
    ),
    "a baseline without a rate": Refused(
        gate({**_COMPARED, f"{JMETER}.rate": ABSENT}),
        "spec.load.baseline",
        "compared under the same load, so it needs a rate: write jmeter.rate",
    ),
    "a baseline that is an address with a path": Refused(
        gate({**_COMPARED, "spec.load.baseline.host": "http://shop"}),
        "spec.load.baseline.host",
        "is not a host: write a name or an address",
    ),
    "a baseline by a histogram": Refused(
        gate({**_COMPARED, f"{FIRST}.histogram": _BUCKETS, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        "is judged by samples of the load: leave histogram out",
    ),
    "a gauge, operator missing": _expect(
        "value 0.8 for 95%", 'after "value ": write <, <=, > or >=', "write <"
    ),
    "a gauge with a unit": _expect(
        "value < 80% for 95%", 'after "value < 80": write for and a share', "write for and a share"
    ),
    "a gauge without number": _expect(
        "value < high for 95%", 'after "value < ": write a number without a unit', "write a number here"
    ),
    "a gauge without share": _expect(
        "value < 0.8", "write for and a share of the time", "write for and a share"
    ),
    "a gauge for nothing": _expect(
        "value < 0.8 for 0.5%", "write a percentage from 1% to 100%", "percentage from 1% to 100%"
    ),
    "a gauge, something behind": _expect(
        "value < 0.8 for 95% or so", 'after "value < 0.8 for 95%": leave the rest out', "leave the rest out"
    ),
    "metric only": _expect("errors", 'after "errors": write < or <=', "write < or <="),
    "no unit": _expect("p99 < 2", 'after "p99 < 2": write a time with its unit', "needs its unit"),
    "unit apart": _expect(
        "p99 < 2 s", 'after "p99 < 2": write a time with its unit', "right behind the number"
    ),
    "no % sign": _expect("errors < 1", "write a percentage under 100", "% sign"),
    "100 %": _expect("errors < 100%", "write a percentage under 100", "percentage under 100"),
    "upside down": _expect("p99 > 2s", 'after "p99 ": write < or <=', "write < or <="),
    "good, operator missing": _expect("good 99%", 'after "good ": write > or >=', "write > or >="),
    "something behind": _expect(
        "p99 < 2s always", 'after "p99 < 2s": leave the rest out', "leave the rest out"
    ),
    "unknown metric": _expect("avg < 2s", 'after "": write p99 < 2s', "judged by a percentile"),
    "capital": _expect("P99 < 2s", 'after "": write p99 < 2s', "begins with a small p"),
    "empty expect": _expect(
        "", 'after "": write p99 < 2s', "begins with a percentile, errors, good or value"
    ),
    "two lines": _expect("p99 < 2s\np50 < 1s", "is not understood: write p99 < 2s", "leave the rest out"),
    # objectives
    "objectives left out": Refused(
        gate({"spec.objectives": ABSENT}), "spec.objectives", "there is no objective: write"
    ),
    "empty objectives": Refused(
        gate({"spec.objectives": []}), "spec.objectives", "there is no objective: write"
    ),
    "empty transaction": Refused(
        gate({f"{FIRST}.transaction": ""}),
        "spec.objectives[0].transaction",
        "is empty: write the name of a sampler or Transaction Controller, or leave it out",
    ),
    "transaction of counters": Refused(
        gate({FIRST: {**_COUNTERS, "transaction": "GET /cart"}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "good >= 99.9%" is judged by Prometheus, which knows no transactions of JMeter: leave',
    ),
    "nothing critical": Refused(
        gate({"spec.objectives": [{"expect": "p99 < 2s", "critical": False}]}),
        "spec.objectives",
        "no objective is critical, so nothing could fail a release: leave critical: false out",
    ),
    "twice the same": Refused(
        gate({"spec.objectives.1.expect": "p99 < 2s"}), "spec.objectives", _TWO_OF_A_NAME
    ),
    "named like another's text": Refused(
        gate({"spec.objectives.1.name": "p99 < 2s"}), "spec.objectives", _TWO_OF_A_NAME
    ),
    "empty name": Refused(
        gate({f"{FIRST}.name": ""}), "spec.objectives[0].name", "is empty: write a name, or leave it out"
    ),
    "latency by Prometheus": Refused(
        gate({FIRST: {**_COUNTERS, "expect": "p99 < 2s"}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "p99 < 2s" is not judged by the counters good and total: leave them out',
    ),
    "good without total": Refused(
        gate({FIRST: {"expect": "good >= 99%", "good": "a"}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        "good and total belong together: write both",
    ),
    "total without good": Refused(
        gate({FIRST: {"expect": "good >= 99%", "total": "a"}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        "good and total belong together: write both",
    ),
    "good without queries": Refused(
        gate({f"{FIRST}.expect": "good >= 99%", "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "good >= 99%" needs its two counters at Prometheus: write the queries good and total',
    ),
    "counters without server": Refused(
        gate({FIRST: _COUNTERS}),
        "spec.prometheus",
        "an objective with good and total, with histogram or with query needs prometheus: write the name",
    ),
    "gauge without server": Refused(
        gate({FIRST: _GAUGE}),
        "spec.prometheus",
        "an objective with good and total, with histogram or with query needs prometheus: write the name",
    ),
    "gauge without query": Refused(
        gate({FIRST: {"expect": "value < 0.8 for 95%"}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'query and expect "value < 0.8 for 95%" do not fit together: write a query',
    ),
    "query without gauge": Refused(
        gate({f"{FIRST}.query": "up", "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'query and expect "p99 < 2s" do not fit together: write a query',
    ),
    "gauge with counters": Refused(
        gate({FIRST: {**_COUNTERS, **_GAUGE}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "value < 0.8 for 95%" is not judged by the counters good and total: leave them out',
    ),
    "transaction of a gauge": Refused(
        gate({FIRST: {**_GAUGE, "transaction": "GET /cart"}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "value < 0.8 for 95%" is judged by Prometheus, which knows no transactions of JMeter: leave',
    ),
    "histogram without server": Refused(
        gate({f"{FIRST}.histogram": _BUCKETS}),
        "spec.prometheus",
        "an objective with good and total, with histogram or with query needs prometheus: write the name",
    ),
    "histogram of errors": Refused(
        gate({FIRST: {"expect": "errors < 1%", "histogram": _BUCKETS}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "errors < 1%" is not judged by a histogram: leave histogram out',
    ),
    "histogram of a transaction": Refused(
        gate({f"{FIRST}.histogram": _BUCKETS, f"{FIRST}.transaction": "a", "spec.prometheus": "monitoring"}),
        "spec.objectives[0]",
        'expect "p99 < 2s" is judged by Prometheus, which knows no transactions of JMeter: leave',
    ),
    "histogram that is a sum": Refused(
        gate({f"{FIRST}.histogram": f"sum({_BUCKETS})", "spec.prometheus": "monitoring"}),
        "spec.objectives[0].histogram",
        "does not select the buckets of one histogram: write the name that ends in _bucket and its labels",
    ),
    "histogram without buckets": Refused(
        gate({f"{FIRST}.histogram": "request_duration_seconds", "spec.prometheus": "monitoring"}),
        "spec.objectives[0].histogram",
        "does not select the buckets of one histogram: write the name that ends in _bucket and its labels",
    ),
    "load and live": Refused(
        gate({**_LIVE, "spec.load": _GATE["spec"]["load"]}),
        "spec.load",
        "write either load, to test by a load",
    ),
    "neither load nor live": Refused(
        gate({"spec.load": ABSENT}),
        "spec.load",
        "write either load, to test by a load of this gate's own, or live",
    ),
    "live with samples": Refused(
        gate({**_LIVE, "spec.objectives.1": {"expect": "p99 < 2s", "name": "sampled"}}),
        "spec.objectives",
        "without load there are no samples of JMeter to judge: give each latency objective the histogram",
    ),
    "live with errors": Refused(
        gate({**_LIVE, "spec.objectives.1": {"expect": "errors < 1%"}}),
        "spec.objectives",
        "without load there are no samples of JMeter to judge: give each latency objective the histogram",
    ),
    "live with gauges alone": Refused(
        gate({**_LIVE, "spec.objectives": [_GAUGE]}),
        "spec.objectives",
        "no critical objective counts requests, so a service that nobody used would look good: write one",
    ),
    "live with counters that decide nothing": Refused(
        gate({**_LIVE, "spec.objectives": [_GAUGE, {**_COUNTERS, "critical": False}]}),
        "spec.objectives",
        "no critical objective counts requests",
    ),
    "live with nothing critical": Refused(
        gate({**_LIVE, "spec.objectives": [{**_COUNTERS, "critical": False}]}),
        "spec.objectives",
        "no objective is critical, so nothing could fail a release",
    ),
    "live without server": Refused(
        gate({field: value for field, value in _LIVE.items() if field != "spec.prometheus"}),
        "spec.prometheus",
        "with histogram or with query needs",
    ),
    "live for no time": Refused(
        gate({**_LIVE, "spec.live": {"duration": "0s"}}),
        "spec.live.duration",
        '"0s" is no time at all: write how long',
    ),
    "live for some time": Refused(
        gate({**_LIVE, "spec.live": {"duration": "a while"}}),
        "spec.live.duration",
        '"a while" is not a duration',
    ),
    "live for days": Refused(
        gate({**_LIVE, "spec.live": {"duration": "25h"}}),
        "spec.live.duration",
        "live.duration (25h) is longer than a day, and all of it is read again at each scrape: write 24h",
    ),
    "coverage without server": Refused(
        gate({"spec.coverage": _COVERAGE}),
        "spec.prometheus",
        "coverage compares with the traffic of the past, which Prometheus keeps: write the name of a server",
    ),
    "a shape that is none": Refused(
        gate({"spec.load.shape": {}}), "spec.load.shape", "write either spike or stress"
    ),
    "two shapes": Refused(
        gate(
            {
                "spec.load.shape": {
                    "spike": {"factor": 5, "after": "2m", "length": "1m"},
                    "stress": {"factor": 4, "steps": 4},
                }
            }
        ),
        "spec.load.shape",
        "write either spike or stress",
    ),
    "a spike of nothing": Refused(
        gate({"spec.load.shape": {"spike": {"factor": 1, "after": "2m", "length": "1m"}}}),
        "spec.load.shape.spike.factor",
        "write how many times the rate, such as 5",
    ),
    "a stress of one step": Refused(
        gate({"spec.load.shape": {"stress": {"factor": 4, "steps": 1}}}),
        "spec.load.shape.stress.steps",
        "write how many, the one at the rate itself included",
    ),
    "a spike after the end": Refused(
        gate({"spec.load.shape": {"spike": {"factor": 5, "after": "9h", "length": "1m"}}}),
        "spec.load.shape.spike",
        "write a longer duration",
    ),
    "steps of a moment": Refused(
        gate({"spec.load.shape": {"stress": {"factor": 4, "steps": 10}}, f"{JMETER}.duration": "100s"}),
        "spec.load.shape.stress",
        "write a longer duration or fewer steps",
    ),
    "a shape of no rate": Refused(
        gate({"spec.load.shape": {"stress": {"factor": 4, "steps": 2}}, f"{JMETER}.rate": ABSENT}),
        "spec.load.shape",
        "a shape multiplies a rate: write jmeter.rate",
    ),
    "a shape that may go on": Refused(
        gate({"spec.load.shape": {"stress": {"factor": 4, "steps": 2}}, f"{JMETER}.maxDuration": "9h"}),
        "spec.load.jmeter.duration",
        "a shape takes a known time: write a duration",
    ),
    "too much to judge": Refused(
        gate(
            {
                "spec.load.shape": {"stress": {"factor": 4, "steps": 10}},
                "spec.objectives": [{"expect": f"p9{n} < 2s"} for n in range(4)],
            }
        ),
        "spec.objectives",
        "write fewer objectives or fewer steps",
    ),
    "coverage without a past": Refused(
        gate({"spec.coverage": {}}),
        "spec.coverage.traffic",
        "nothing says what traffic is usual: write coverage.traffic, the raw counter of production's requests",
    ),
    "JMeter's labels beside a counter": Refused(
        gate({**_COVERED, "spec.coverage.labels": [{"label": "Order", "endpoint": "POST /orders"}]}),
        "spec.coverage.labels",
        "write either labels, or traffic and tested",
    ),
    "a label named twice": Refused(
        gate(
            {
                **_PROFILED,
                "spec.coverage.labels": [
                    {"label": "Order", "endpoint": "POST /orders"},
                    {"label": "Order", "endpoint": "POST /v2/orders"},
                ],
            }
        ),
        "spec.coverage.labels",
        "a label is named twice: write each one once",
    ),
    "a label of no name": Refused(
        gate({**_PROFILED, "spec.coverage.labels": [{"label": "", "endpoint": "POST /orders"}]}),
        "spec.coverage.labels[0].label",
        "is empty: write the name of a sampler",
    ),
    "a label of no endpoint": Refused(
        gate({**_PROFILED, "spec.coverage.labels": [{"label": "Order", "endpoint": ""}]}),
        "spec.coverage.labels[0].endpoint",
        "is empty: write an endpoint as the profile has it",
    ),
    "the target's counter without server": Refused(
        gate({**_PROFILED, "spec.coverage": {"tested": "requests_total", "by": ["route"]}}),
        "spec.prometheus",
        "coverage compares with the traffic of the past, which Prometheus keeps: write the name of a server",
    ),
    "coverage of no labels": Refused(
        gate({**_COVERED, "spec.coverage.by": ABSENT}),
        "spec.coverage.by",
        "no label says what an endpoint is: write those of the counter",
    ),
    "coverage by what is no label": Refused(
        gate({**_COVERED, "spec.coverage.by": ["the route"]}),
        "spec.coverage.by[0]",
        '"the route" is not the name of a label: write one that the counter has',
    ),
    "coverage of a rate": Refused(
        gate({**_COVERED, "spec.coverage.traffic": "rate(requests_total[5m])"}),
        "spec.coverage.traffic",
        "is not the raw counter of requests: write its name and labels",
    ),
    "coverage by a sum": Refused(
        gate({**_COVERED, "spec.coverage.tested": "sum(requests_total)"}),
        "spec.coverage.tested",
        "is not the raw counter of requests: write its name and labels",
    ),
    "coverage of a year": Refused(
        gate({**_COVERED, "spec.coverage.weeks": 52}),
        "spec.coverage.weeks",
        "weeks must lie between 1 and 4: write how far back",
    ),
    "coverage by a number": Refused(
        gate({**_COVERED, "spec.coverage.minEndpoints": "90"}),
        "spec.coverage.minEndpoints",
        "is not a percentage: write a number under 100 with a % sign",
    ),
    "empty gauge": Refused(
        gate({FIRST: {**_GAUGE, "query": ""}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0].query",
        "is empty: write a query that gives one gauge",
    ),
    "empty query": Refused(
        gate({FIRST: {**_COUNTERS, "good": ""}, "spec.prometheus": "monitoring"}),
        "spec.objectives[0].good",
        "is empty: write a query that gives raw counters",
    ),
    "empty server": Refused(
        gate({"spec.prometheus": ""}), "spec.prometheus", "is empty: write the name of a Prometheus server"
    ),
    # environment
    "environment with a slash": Refused(
        gate({"spec.environment": "a/b"}), "spec.environment", '"a/b" is not the name of an environment'
    ),
    # history
    "no history": Refused(
        gate({"spec.historyLimit": 0}), "spec.historyLimit", "historyLimit must lie between 1 and 1000"
    ),
    # override
    "override of no revision": Refused(
        gate({"spec.override": {**_OVERRIDE, "revision": "v2"}}),
        "spec.override.revision",
        '"v2" is not a revision: write the ten digits',
    ),
    "override without a reason": Refused(
        gate({"spec.override": {**_OVERRIDE, "reason": ""}}),
        "spec.override.reason",
        "is empty: write why it may stand",
    ),
    "override for a while": Refused(
        gate({"spec.override": {**_OVERRIDE, "expires": "2h"}}),
        "spec.override.expires",
        '"2h" is not a moment: write date, time and zone',
    ),
    "override without a zone": Refused(
        gate({"spec.override": {**_OVERRIDE, "expires": "2026-11-25T18:00:00"}}),
        "spec.override.expires",
        "is not a moment: write date, time and zone",
    ),
    # load
    "negative duration": Refused(
        gate({f"{JMETER}.duration": "-5m"}), f"{JMETER}.duration", f'"-5m" {_DURATION}'
    ),
    "empty duration": Refused(gate({f"{JMETER}.duration": ""}), f"{JMETER}.duration", f'"" {_DURATION}'),
    "half minutes": Refused(gate({f"{JMETER}.rampUp": "1.5m"}), f"{JMETER}.rampUp", f'"1.5m" {_DURATION}'),
    "no time": Refused(
        gate({f"{JMETER}.duration": "0m"}),
        f"{JMETER}.duration",
        '"0m" is no time at all: write how long, for example 10m',
    ),
    "auto without an end": Refused(
        gate({f"{JMETER}.duration": "auto"}), f"{JMETER}.duration", "write both, such as maxDuration: 30m"
    ),
    "no weight": Refused(
        gate({f"{FIRST}.weight": 0}), "spec.objectives[0].weight", "weight must lie between 1 and 100"
    ),
    "patience of nothing": Refused(
        gate({"spec.patience": {"passAfter": "0s"}}), "spec.patience.passAfter", '"0s" is no time at all'
    ),
    "patience without a unit": Refused(
        gate({"spec.patience": {"failAfter": "30"}}),
        "spec.patience.failAfter",
        '"30" is not a duration: write for example 90s',
    ),
    "no longer": Refused(
        gate({f"{JMETER}.maxDuration": "10m"}),
        f"{JMETER}.maxDuration",
        "maxDuration (10m) must be longer than duration (10m)",
    ),
    "a gauge for longer": Refused(
        gate(
            {
                f"{JMETER}.maxDuration": "30m",
                "spec.objectives": [{"expect": "value < 0.8 for 95%", "query": "cpu"}],
                "spec.prometheus": "monitoring",
            }
        ),
        "spec.objectives",
        "so a load cannot go on for it",
    ),
    "nobody says how many threads": Refused(
        gate({f"{JMETER}.threads": ABSENT}), JMETER, "write jmeter.threads, such as threads: 50, or profile"
    ),
    "a rate beside a profile": Refused(
        gate({f"{JMETER}.threads": ABSENT, "spec.load.profile": {"configMap": "p"}}),
        "spec.load.profile",
        "leave jmeter.rate and jmeter.threads out",
    ),
    "nothing of a profile": Refused(
        gate(
            {
                f"{JMETER}.rate": ABSENT,
                f"{JMETER}.threads": ABSENT,
                "spec.load.profile": {"configMap": "p", "scale": 0},
            }
        ),
        "spec.load.profile.scale",
        "write how many times the busiest hour, such as 1.5",
    ),
    "a profile's scale in words": Refused(
        gate(
            {
                f"{JMETER}.rate": ABSENT,
                f"{JMETER}.threads": ABSENT,
                "spec.load.profile": {"configMap": "p", "scale": "double"},
            }
        ),
        "spec.load.profile.scale",
        "number",
    ),
    "an expectation that is nowhere": Refused(
        gate({FIRST: {"expect": "slo"}}),
        "spec.objectives[0]",
        "write either expect, such as expect: p99 < 2s",
    ),
    "an expectation beside an SLO": Refused(
        gate({FIRST: {"expect": "p99 < 2s", "sloRef": {"configMap": "s", "slo": "a"}}}),
        "spec.objectives[0]",
        "or twice: write either expect",
    ),
    "one SLO twice": Refused(
        gate(
            {
                f"spec.objectives.{at}": {"sloRef": {"configMap": "s", "slo": "a", "target": target}}
                for at, target in enumerate(("99%", "99.9%"))
            }
        ),
        "spec.objectives",
        "two objectives have the same name",
    ),
    "an SLO's target as a number": Refused(
        gate({FIRST: {"sloRef": {"configMap": "s", "slo": "a", "target": "0.999"}}}),
        "spec.objectives[0].sloRef.target",
        "write the target of one of the objectives, such as 99.9%",
    ),
    "auto at no rate": Refused(
        gate({f"{JMETER}.duration": "auto", f"{JMETER}.maxDuration": "30m", f"{JMETER}.rate": ABSENT}),
        f"{JMETER}.duration",
        "write jmeter.rate, such as rate: 3000/m, or profile",
    ),
    "all ramp, up to the end": Refused(
        gate({f"{JMETER}.duration": "auto", f"{JMETER}.maxDuration": "3m"}),
        f"{JMETER}.rampUp",
        "rampUp (3m) must be shorter than maxDuration",
    ),
    "all ramp": Refused(gate({f"{JMETER}.rampUp": "10m"}), f"{JMETER}.rampUp", _RAMP),
    "rate 0": Refused(
        gate({f"{JMETER}.rate": 0}),
        f"{JMETER}.rate",
        f"a bare number {_RATE}",
        '"0" is not a rate: write samples per minute (3000/m)',
    ),
    "rate 0/m": Refused(
        gate({f"{JMETER}.rate": "0/m"}),
        f"{JMETER}.rate",
        f'"0/m" {_RATE}',
        "asks for no samples at all: write a rate above 0",
    ),
    "rate without unit": Refused(
        gate({f"{JMETER}.rate": 3000}),
        f"{JMETER}.rate",
        f"a bare number {_RATE}",
        "write samples per minute (3000/m)",
    ),
    "no workers": Refused(
        gate({"spec.load.workers": 0}), "spec.load.workers", "workers must lie between 1 and 64: write"
    ),
    "too many workers": Refused(
        gate({"spec.load.workers": 65}), "spec.load.workers", "workers must lie between 1 and 64: write"
    ),
    "a worker without a thread": Refused(
        gate({"spec.load.workers": 5, f"{JMETER}.threads": 4}),
        "spec.load.workers",
        "there are more workers than jmeter.threads, so some would have none: write fewer workers or more",
    ),
    "no threads": Refused(
        gate({f"{JMETER}.threads": 0}), f"{JMETER}.threads", "threads must lie between 1 and 100000: write"
    ),
    "too many threads": Refused(
        gate({f"{JMETER}.threads": 100_001}),
        f"{JMETER}.threads",
        "threads must lie between 1 and 100000: write",
    ),
    "empty ConfigMap name": Refused(
        gate({f"{JMETER}.plan.configMap": ""}),
        f"{JMETER}.plan.configMap",
        "is empty: write the name of a ConfigMap",
    ),
    "empty key": Refused(
        gate({f"{JMETER}.plan.key": ""}), f"{JMETER}.plan.key", "is empty: write a key such as scenario.jmx"
    ),
    # load options
    "host with a scheme": Refused(
        gate({"spec.load.target": {"host": "http://shop"}}),
        "spec.load.target.host",
        '"http://shop" is not a host: write a name or an address and nothing else',
    ),
    "port 0": Refused(
        gate({"spec.load.target": {"port": 0}}),
        "spec.load.target.port",
        "port must lie between 1 and 65535: write the number",
    ),
    "gopher": Refused(
        gate({"spec.load.target": {"scheme": "gopher"}}),
        "spec.load.target.scheme",
        'supported values: "http", "https"',
        "is not possible: write http or https",
    ),
    "property with a space": Refused(
        gate({f"{JMETER}.propertyNames": {"rate": "per minute"}}),
        f"{JMETER}.propertyNames.rate",
        '"per minute" is not the name of a property: write letters',
    ),
    "two properties of a name": Refused(
        gate({f"{JMETER}.propertyNames": {"rate": "RampUp"}}),
        f"{JMETER}.propertyNames",
        "two properties have the same name: write a different name for each",
    ),
    "a property of the gate's": Refused(
        gate({f"{JMETER}.properties": {"NumOfThreads": "7"}}),
        f"{JMETER}.properties",
        "properties sets what the gate sets by itself: leave it out and write threads",
    ),
    "a renamed property of the gate's": Refused(
        gate({f"{JMETER}.properties": {"users": "7"}, f"{JMETER}.propertyNames": {"threads": "users"}}),
        f"{JMETER}.properties",
        "properties sets what the gate sets by itself",
    ),
    "a property without a name": Refused(
        gate({f"{JMETER}.properties": {"": "7"}}),
        f"{JMETER}.properties",
        "write a name of 1 to 128 characters",
    ),
    "65 properties": Refused(
        gate({f"{JMETER}.properties": {str(n): "" for n in range(65)}}),
        f"{JMETER}.properties",
        "must have at most 64 items",
        "has 65 entries: write at most 64",
    ),
    "two places for the plan": Refused(
        gate({f"{JMETER}.plan.pvc": "plans"}),
        f"{JMETER}.plan",
        "there must be one place to take it from: write either configMap or pvc",
    ),
    "no place for the plan": Refused(
        gate({f"{JMETER}.plan": {"key": "scenario.jmx"}}),
        f"{JMETER}.plan",
        "there must be one place to take it from: write either configMap or pvc",
    ),
    "a quota policy without a name": Refused(
        gate({"spec.quota": {"configMap": ""}}),
        "spec.quota.configMap",
        "is empty: write the name of a ConfigMap",
    ),
    "two documents": Refused(
        gate({f"{JMETER}.plan.openAPI": {"document": "a.yaml", "path": "/openapi.json"}}),
        f"{JMETER}.plan.openAPI",
        "there must be one document: write either document",
    ),
    "no document": Refused(
        gate({f"{JMETER}.plan.openAPI": {"overlay": "overlay.yaml"}}),
        f"{JMETER}.plan.openAPI",
        "there must be one document: write either document",
    ),
    "an overlay from nowhere": Refused(
        gate({f"{JMETER}.plan": {"openAPI": {"path": "/openapi.json", "overlay": "overlay.yaml"}}}),
        f"{JMETER}.plan",
        "nobody knows where openAPI's files are",
    ),
    "a document of another host": Refused(
        gate({f"{JMETER}.plan": {"openAPI": {"path": "http://shop/openapi.json"}}}),
        f"{JMETER}.plan.openAPI.path",
        "is not a path of the target",
    ),
    "references to a page": Refused(
        gate(
            {
                f"{JMETER}.plan": {
                    "openAPI": {"path": "/openapi.json", "follow": ["https://schemas.io/a.yaml"]}
                }
            }
        ),
        f"{JMETER}.plan.openAPI.follow[0]",
        '"https://schemas.io/a.yaml" is not a server: write scheme and host',
    ),
    "a document outside": Refused(
        gate({f"{JMETER}.plan.openAPI": {"document": "../openapi.yaml"}}),
        f"{JMETER}.plan.openAPI.document",
        "leads out of its place",
    ),
    "a plan outside": Refused(
        gate({f"{JMETER}.plan": {"pvc": "plans", "key": "shop/../../token"}}),
        f"{JMETER}.plan.key",
        '"shop/../../token" leads out of its place: write a key such as scenario.jmx',
    ),
    "two places for plugins": Refused(
        gate({f"{JMETER}.plugins": {"pvc": "plugins", "configMap": "plugins"}}),
        f"{JMETER}.plugins",
        "there must be one place to take it from",
    ),
    "a Secret twice": Refused(
        gate({f"{JMETER}.propertiesFrom": [{"secret": "a"}, {"secret": "a"}]}),
        f"{JMETER}.propertiesFrom",
        "a Secret is named twice: write each one once",
    ),
    "a Secret without a name": Refused(
        gate({f"{JMETER}.propertiesFrom": [{"secret": ""}]}),
        f"{JMETER}.propertiesFrom[0].secret",
        "is empty: write the name of a Secret",
    ),
    "shards of nothing": Refused(
        gate({f"{JMETER}.data": {"shards": [{"file": "users.csv"}]}}),
        f"{JMETER}.data",
        "there must be one place to take it from",
    ),
    "a shared file in a folder": Refused(
        gate({f"{JMETER}.data": {"pvc": "data", "shards": [{"file": "csv/users.csv"}]}}),
        f"{JMETER}.data.shards[0].file",
        '"csv/users.csv" is not the name of a file at the root of the data: write one',
    ),
    "a file shared twice": Refused(
        gate({f"{JMETER}.data": {"pvc": "data", "shards": [{"file": "a"}, {"file": "a", "header": True}]}}),
        f"{JMETER}.data.shards",
        "a file is named twice: write each file once",
    ),
    "an image with a space": Refused(
        gate({f"{JMETER}.image": "jmeter latest"}),
        f"{JMETER}.image",
        '"jmeter latest" is not an image: write one such as',
    ),
    "an empty command": Refused(
        gate({f"{JMETER}.command": []}), f"{JMETER}.command", "is empty: write what starts JMeter"
    ),
    "thousandths of a byte": Refused(
        gate({f"{JMETER}.resources": {"limits": {"memory": "512m"}}}),
        f"{JMETER}.resources.limits.memory",
        '"512m" is not an amount of memory: write for example 512Mi or 2Gi',
    ),
    "no CPU": Refused(
        gate({f"{JMETER}.resources": {"requests": {"cpu": 0}}}),
        f"{JMETER}.resources.requests.cpu",
        '"0" is not an amount of CPU: write for example 500m, 1.5 or 2',
    ),
    "more CPU than allowed": Refused(
        gate({f"{JMETER}.resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}),
        f"{JMETER}.resources.requests",
        "requests.cpu is more than limits.cpu: write a smaller request or a larger limit",
    ),
    "more memory than allowed": Refused(
        gate({f"{JMETER}.resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}}),
        f"{JMETER}.resources.requests",
        "requests.memory is more than limits.memory",
    ),
    "memory with a space": Refused(
        gate({f"{JMETER}.resources": {"limits": {"memory": "1Ti "}}}),
        f"{JMETER}.resources.limits.memory",
        '"1Ti " is not an amount of memory',
    ),
    "label that is none": Refused(
        gate({f"{JMETER}.labels": {"team": "our shop"}}),
        f"{JMETER}.labels",
        "a label has a value that is none: write letters",
    ),
    "label of ours": Refused(
        gate({f"{JMETER}.labels": {"devperfops.io/run": "another"}}),
        f"{JMETER}.labels",
        "are the operator's own: write other labels",
    ),
    "managed by somebody else": Refused(
        gate({f"{JMETER}.labels": {"app.kubernetes.io/managed-by": "us"}}),
        f"{JMETER}.labels",
        "are the operator's own: write other labels",
    ),
    "annotation that unlocks the pod": Refused(
        gate(
            {f"{JMETER}.annotations": {"container.apparmor.security.beta.kubernetes.io/jmeter": "unconfined"}}
        ),
        f"{JMETER}.annotations",
        "would weaken the pod: write other annotations",
    ),
    "a pull secret without a name": Refused(
        gate({f"{JMETER}.imagePullSecrets": [{"name": ""}]}),
        f"{JMETER}.imagePullSecrets[0].name",
        "is empty: write the name of the object",
    ),
    # names
    "target with a slash": Refused(
        gate({"spec.targetRef.name": "apps/front-end"}),
        "spec.targetRef.name",
        '"apps/front-end" is not the name of a Deployment',
    ),
    "primary with a slash": Refused(
        gate({"spec.promoteTo": "apps/front-end"}),
        "spec.promoteTo",
        '"apps/front-end" is not the name of a Deployment: write the name of the one to promote to',
    ),
    "primary that is the target": Refused(
        gate({"spec.promoteTo": "front-end"}),
        "spec.promoteTo",
        'promoteTo "front-end" is the target itself: write the name of a second Deployment',
    ),
    "gate name of 41": Refused(
        gate({"metadata.name": "g" * 41}), "", "write a gate name of at most 40 characters"
    ),
    "gate name with a dot": Refused(
        gate({"metadata.name": "front.end"}), "", 'metadata.name "front.end" has a dot: write'
    ),
    "run name of 53": Refused(
        run({"metadata.name": "r" * 53}), "", "write a run name of at most 52 characters"
    ),
    "run of no gate": Refused(
        run({"spec.gate": ""}), "spec.gate", "is empty: write the name of the PerfGate to run"
    ),
}
