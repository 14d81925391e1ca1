"""The rules of `spec.data`: how a gate resets its environment's data."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from devperfops_operator.api import rules
from devperfops_operator.api.rules import Rule

ENV_NAME: Final = Rule.matching(
    "^[A-Za-z_][A-Za-z0-9_]*$",
    '"{self}" is not the name of a variable: write letters, digits and underscores only, such as PGHOST',
)
DISTINCT_ENV: Final = Rule.distinct("name", "a variable is named twice: write each one once")
ONE_VALUE: Final = Rule.of(
    "has(self.value) != has(self.valueFrom)",
    lambda variable: ("value" in variable) != ("valueFrom" in variable),
    'variable "{self.name}" must have one value: write either value or valueFrom',
)
MOUNT_PATH: Final = Rule.matching(
    "^/[^:]+$",
    '"{self}" is not a folder to mount at: write an absolute path without colons, such as /golden',
)
NOT_TMP: Final = Rule.of(
    "self != '/tmp' && self != '/tmp/'",
    lambda path: path.rstrip("/") != "/tmp",  # noqa: S108  a rule about it
    "/tmp is there already, empty and writable: write another folder, such as /golden",  # noqa: S108  likewise
)
DISTINCT_MOUNTS: Final = Rule.distinct(
    "mountPath", "two volumes are mounted at one path: write a mountPath for each"
)
_MAX_ID: Final = 4_294_967_295
USER: Final = Rule.of(
    f"self >= 0 && self <= {_MAX_ID}",
    lambda value: 0 <= value <= _MAX_ID,
    f"is not the number of a user or group: write one from 0 to {_MAX_ID}, such as 999",
)
DATABASE: Final = Rule.matching(
    "^[A-Za-z0-9_][-A-Za-z0-9_.]*$",
    '"{self}" is not the name of a database that can be reset: write letters, digits, dots, hyphens and '
    "underscores only, such as shop",
)
ANOTHER_TEMPLATE: Final = Rule.of(
    "self.database != self.template",
    lambda reset: reset["database"] != reset["template"],
    'template "{self.template}" is the database itself: write the name of its golden copy, such as '
    "shop_golden",
    field="template",
)
SERVERS_OWN: Final = Rule.of(
    "!(self.lowerAscii() in ['mysql', 'sys', 'information_schema', 'performance_schema', 'devperfops'])",
    lambda name: (
        name.lower() not in {"mysql", "sys", "information_schema", "performance_schema", "devperfops"}
    ),
    "\"{self}\" is the server's own database or that of the marks: write the environment's, such as shop",
)
MONGODB_DATABASE: Final = Rule.matching(
    "^[A-Za-z0-9_][-A-Za-z0-9_]*$",
    '"{self}" is not the name of a database that can be reset: write letters, digits, hyphens and '
    "underscores only, such as shop",
)
MONGODBS_OWN: Final = Rule.of(
    "!(self.lowerAscii() in ['admin', 'local', 'config', 'devperfops'])",
    lambda name: name.lower() not in {"admin", "local", "config", "devperfops"},
    "\"{self}\" is the server's own database or that of the marks: write the environment's, such as shop",
)
COLLECTION: Final = rules.not_empty("is empty: write the name of a collection, such as orders")
PIPELINE: Final = Rule.matching(
    "^\\s*\\[(.|\\n)*\\]\\s*$",
    '"{self}" is not an aggregation pipeline: write a list of stages as JSON, such as [{"$count": "n"}]',
)
READS_ONLY: Final = Rule.of(
    "!self.contains('\"$out\"') && !self.contains('\"$merge\"')",
    lambda pipeline: '"$out"' not in pipeline and '"$merge"' not in pipeline,
    "writes to the database: leave out $out and $merge",
)
DUMP: Final = Rule.matching(
    "^/[^:]*[^:/]$",
    '"{self}" is not a file in the container: write the absolute path of a dump in a volume, such as '
    "/golden/shop.sql.gz",
)
DUMP_ON_VOLUME: Final = Rule.of(
    "has(self.volumes)",
    lambda reset: "volumes" in reset,
    "the dump must come from a volume: write volumes, such as [{pvc: golden, mountPath: /golden}]",
    field="volumes",
)
URL: Final = Rule.matching(
    "^https?://[^/?#@\\s]+([/?][^#\\s]*)?$",
    '"{self}" is not an address to call: write http://HOST:PORT/PATH or https://HOST:PORT/PATH, without user '
    "and password",
)
HEADER_NAME: Final = Rule.matching(
    "^[-!#$%&'*+.^_`|~0-9A-Za-z]+$",
    '"{self}" is not the name of a header: write for example Authorization',
)
DISTINCT_HEADERS: Final = Rule.distinct("name", "a header is named twice: write each one once")
HEADER_VALUE: Final = Rule.of(
    "has(self.value) != has(self.valueFrom)",
    lambda header: ("value" in header) != ("valueFrom" in header),
    'header "{self.name}" must have one value: write either value or valueFrom',
)
_LAST_STATUS: Final = 599
STATUS_CODE: Final = Rule.of(
    f"self >= {HTTPStatus.OK} && self <= {_LAST_STATUS}",
    lambda code: HTTPStatus.OK <= code <= _LAST_STATUS,
    f"is not a status that ends a request: write one from {HTTPStatus.OK} to {_LAST_STATUS}, such as 202",
)
CLAIM: Final = rules.not_empty("is empty: write the name of a PersistentVolumeClaim of the environment")
SNAPSHOT: Final = rules.not_empty("is empty: write the name of a VolumeSnapshot, the golden copy")
DISTINCT_WORKLOADS: Final = Rule.of(
    "self.all(a, self.exists_one(b, a.kind == b.kind && a.name == b.name))",
    lambda workloads: len({(each["kind"], each["name"]) for each in workloads}) == len(workloads),
    "a workload is named twice: write each one once",
)
VOLUME_AT_REST: Final = Rule.of(
    "!has(self.volumeSnapshot) || has(self.quiesce)",
    lambda data: "volumeSnapshot" not in data or "quiesce" in data,
    "a volume is replaced while no pod uses it: write what uses it, such as "
    "quiesce: [{kind: StatefulSet, name: shop-db}]",
    field="quiesce",
)
WAYS: Final = ("job", "postgres", "mysql", "mongodb", "http", "volumeSnapshot")
ONE_RESET: Final = Rule.of(
    f"[{', '.join(f'has(self.{way})' for way in WAYS)}].exists_one(each, each)",
    lambda data: sum(way in data for way in WAYS) == 1,
    f"there must be one way to reset the data: write one of {', '.join(WAYS)}",
)
DATA_HAS_LOAD: Final = Rule.of(
    "!has(self.data) || has(self.load)",
    lambda spec: "data" not in spec or "load" in spec,
    "data are reset before a load, and live judges real users' traffic, whose data are theirs: "
    "write load, or leave data out",
    field="data",
)
