"""`spec.data` of a gate: how its environment's data are reset before each load."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from devperfops_operator.api import data_rules, load_rules, rules
from devperfops_operator.api.base import ApiModel, Name
from devperfops_operator.api.load import LocalReference, Resources, Source


class SecretKey(ApiModel):
    """One key of a Secret in the gate's namespace."""

    name: Annotated[Name, rules.not_empty("is empty: write the name of a Secret")]
    """The Secret's name."""
    key: Annotated[Name, rules.not_empty("is empty: write a key of the Secret, such as password")]
    """The key whose value it is."""


class ValueSource(ApiModel):
    """Where a variable's value is, as in a pod."""

    secret_key_ref: SecretKey
    """A key of a Secret; the kubelet reads it, the operator does not."""


class EnvVar(ApiModel):
    """A variable of the container, as in a pod."""

    validations: ClassVar = (data_rules.ONE_VALUE,)

    name: Annotated[str, Field(max_length=128), data_rules.ENV_NAME]
    """Its name."""
    value: Annotated[str | None, Field(max_length=1024)] = None
    """Its value, which is no place for secrets."""
    value_from: ValueSource | None = None
    """A Secret's key in place of value."""


class EnvSource(ApiModel):
    """A Secret whose keys all become variables, as in a pod."""

    secret_ref: LocalReference
    """The Secret."""


class DataVolume(Source):
    """Files of the gate's namespace, mounted read-only."""

    mount_path: Annotated[str, Field(max_length=253), data_rules.MOUNT_PATH, data_rules.NOT_TMP]
    """Where the container finds them."""


class SecurityContext(ApiModel):
    """Who the container runs as; by default as the restricted Pod Security Standard wants it.

    No container gets a capability or may gain privileges.
    """

    run_as_user: Annotated[int, data_rules.USER] = 10001
    """The number of its user."""
    run_as_group: Annotated[int, data_rules.USER] = 10001
    """The number of its group."""
    fs_group: Annotated[int, data_rules.USER] = 10001
    """The group that volumes belong to."""
    run_as_non_root: bool = True
    """Whether the kubelet refuses to run it as user 0."""
    read_only_root_filesystem: bool = True
    """Whether it may write to /tmp only."""


class ResetPod(ApiModel):
    """The pod of a reset: what it runs, with what rights."""

    image: Annotated[str, Field(max_length=512), load_rules.IMAGE]
    """The image of its container."""
    env: Annotated[tuple[EnvVar, ...] | None, Field(max_length=32), data_rules.DISTINCT_ENV] = None
    """Variables of the container."""
    env_from: Annotated[tuple[EnvSource, ...] | None, Field(max_length=8)] = None
    """Secrets whose keys become variables; env goes first."""
    volumes: Annotated[tuple[DataVolume, ...] | None, Field(max_length=8), data_rules.DISTINCT_MOUNTS] = None
    """Files it reads, such as a dump or a certificate."""
    resources: Resources | None = None
    """What the container asks for and may have."""
    service_account_name: Annotated[
        Name | None, rules.not_empty("is empty: write the name of a ServiceAccount, or leave it out")
    ] = None
    """Who it is to the API server; without it, it gets no token."""
    image_pull_secrets: Annotated[tuple[LocalReference, ...] | None, Field(max_length=8)] = None
    """Secrets with which the image is pulled."""
    security_context: SecurityContext = SecurityContext()
    """Who it runs as."""


Arguments = tuple[Annotated[str, Field(max_length=4096)], ...]


class JobReset(ResetPod):
    """Any container that resets the data: it ends with code 0 once they are as every load is to find them.

    It must bear to be stopped anywhere and begun anew.
    """

    command: Annotated[
        Arguments | None,
        Field(max_length=16),
        rules.not_empty("is empty: write what to run, or leave it out for the image's entry point"),
    ] = None
    """What it runs; by default the image's entry point."""
    args: Annotated[Arguments | None, Field(max_length=32)] = None
    """Its arguments, which everybody who may read pods can see."""


class Verification(ApiModel):
    """A query whose result shows that the data are what they should be, by psql or mysql."""

    query: Annotated[
        str, Field(max_length=4096), rules.not_empty("is empty: write a query, or leave verify out")
    ]
    """Run in the database that was reset, in a session that may not write."""
    expect: Annotated[str, Field(max_length=1024)]
    """What it must give, a line for each row: columns with | between them (psql) or tabs (mysql)."""


class PostgresReset(ResetPod):
    """A database that is replaced by a copy of a template database, PostgreSQL 13 or later.

    The image has sh and psql; env and envFrom set libpq's variables: PGHOST, PGUSER, PGPASSWORD, PGSSLMODE.
    The database must be marked by a comment as one that may be reset: COMMENT ON DATABASE shop IS
    'devperfops.io/may-be-reset'.
    """

    validations: ClassVar = (data_rules.ANOTHER_TEMPLATE,)

    database: Annotated[str, Field(max_length=63), data_rules.DATABASE]
    """The database that the environment uses. All in it is lost, and its sessions end."""
    template: Annotated[str, Field(max_length=63), data_rules.DATABASE]
    """The golden copy, a database of the same server that accepts no connections."""
    verify: Verification | None = None
    """What is checked after the reset, before the load."""


class MySQLReset(ResetPod):
    """A database that is filled anew from a dump, MySQL 8 or MariaDB 10.5 and later.

    The image has sh and mysql or mariadb, and gzip or zstd for a dump that ends with .gz or .zst; env and
    envFrom set MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_USER, MYSQL_PWD.
    The database must be marked as one that may be reset by a row of the table devperfops.may_be_reset.
    """

    validations: ClassVar = (data_rules.DUMP_ON_VOLUME,)

    database: Annotated[str, Field(max_length=48), data_rules.DATABASE, data_rules.SERVERS_OWN]
    """The database that the environment uses. All in it is lost, and its sessions end."""
    dump: Annotated[str, Field(max_length=512), data_rules.DUMP]
    """The golden copy: what mysqldump wrote of one database, in one of the volumes, which are read-only."""
    verify: Verification | None = None
    """What is checked after the reset, before the load."""


class MongoDBVerification(ApiModel):
    """An aggregation whose result shows that the data are what they should be."""

    collection: Annotated[str, Field(max_length=255), data_rules.COLLECTION]
    """The collection that is asked."""
    pipeline: Annotated[str, Field(max_length=4096), data_rules.PIPELINE, data_rules.READS_ONLY]
    """The stages as JSON, of those that write nothing."""
    expect: Annotated[str, Field(max_length=1024)]
    """What it must give: a line of JSON for each document, with the fields in the server's order."""


class MongoDBReset(ResetPod):
    """A MongoDB database that is filled anew from an archive of mongodump.

    The image has mongosh and mongorestore; env or envFrom sets MONGODB_URI, which has user and password.
    The database must be marked as one that may be reset by a document of the collection may_be_reset of the
    database devperfops.
    """

    validations: ClassVar = (data_rules.DUMP_ON_VOLUME,)

    database: Annotated[str, Field(max_length=63), data_rules.MONGODB_DATABASE, data_rules.MONGODBS_OWN]
    """The database that the environment uses. All in it is lost."""
    dump: Annotated[str, Field(max_length=512), data_rules.DUMP]
    """The golden copy: what mongodump --archive wrote, packed if it ends with .gz, in one of the volumes."""
    verify: MongoDBVerification | None = None
    """What is checked after the reset, before the load."""


class HTTPHeader(ApiModel):
    """A header of a request."""

    validations: ClassVar = (data_rules.HEADER_VALUE,)

    name: Annotated[str, Field(max_length=128), data_rules.HEADER_NAME]
    """Its name."""
    value: Annotated[str | None, Field(max_length=1024)] = None
    """Its value, which is no place for secrets."""
    value_from: ValueSource | None = None
    """A Secret's key in place of value."""


class HTTPMethod(StrEnum):
    """How the service is called."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class HTTPPoll(ApiModel):
    """What tells that a reset the call has only begun is done. Asked by GET, with the same headers."""

    url: Annotated[str, Field(max_length=1024), data_rules.URL]
    """The address, asked until it answers with a status from 200 to 299."""
    contains: Annotated[
        str | None,
        Field(max_length=256),
        rules.not_empty("is empty: write what the answer must contain, or leave it out"),
    ] = None
    """A text that such an answer must contain besides, such as the word for done."""
    every: Annotated[str, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO] = "2s"
    """How long to wait between two questions."""


class HTTPReset(ApiModel):
    """A service that resets the data when it is called. It must bear to be called again."""

    url: Annotated[str, Field(max_length=1024), data_rules.URL]
    """Its address."""
    method: HTTPMethod = HTTPMethod.POST
    """How it is called."""
    headers: Annotated[tuple[HTTPHeader, ...] | None, Field(max_length=16), data_rules.DISTINCT_HEADERS] = (
        None
    )
    """Headers of the request, from Secrets where they are secret."""
    body: Annotated[str | None, Field(max_length=4096)] = None
    """The content of the request."""
    statuses: Annotated[
        tuple[Annotated[int, data_rules.STATUS_CODE], ...] | None,
        Field(max_length=8),
        rules.not_empty("is empty: write the statuses that say it was done, or leave it out for 200 to 299"),
    ] = None
    """The statuses of an answer that says it was done, or begun; by default 200 to 299."""
    poll: HTTPPoll | None = None
    """What tells that it is done; by default the answer itself does."""


class VolumeReset(ApiModel):
    """A PersistentVolumeClaim that is replaced by one of the same name, made from a VolumeSnapshot.

    Both are in the gate's namespace. The claim must have the label devperfops.io/may-be-reset: "true".
    """

    snapshot: Annotated[Name, data_rules.SNAPSHOT]
    """The golden copy, which nothing can write to."""
    claim: Annotated[Name, data_rules.CLAIM]
    """The claim of the workload that is quiesced. All in it is lost."""


class WorkloadKind(StrEnum):
    """What can be scaled to zero."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"


class Workload(ApiModel):
    """Something in the gate's namespace that has no pods while the data are reset.

    It must have the label devperfops.io/may-be-reset: "true".
    """

    kind: WorkloadKind = WorkloadKind.DEPLOYMENT
    """What it is."""
    name: Annotated[Name, rules.not_empty("is empty: write the name of a Deployment or StatefulSet")]
    """Its name."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Reset = JobReset | PostgresReset | MySQLReset | MongoDBReset | HTTPReset | VolumeReset


class Data(ApiModel):
    """How the environment's data are reset before each load, so that every load finds the same."""

    validations: ClassVar = (data_rules.ONE_RESET, data_rules.VOLUME_AT_REST)

    timeout: Annotated[str, Field(max_length=16), rules.DURATION, rules.ABOVE_ZERO] = "10m"
    """How long a reset may take, until its pod has ended; then the run ends with DataResetFailed."""
    quiesce: Annotated[
        tuple[Workload, ...] | None,
        Field(max_length=8),
        rules.not_empty("is empty: write what to scale to zero, or leave it out"),
        data_rules.DISTINCT_WORKLOADS,
    ] = None
    """What is scaled to zero before the reset and back after it, also after one that failed."""
    job: JobReset | None = None
    """A container that resets them, run to its end by a Job."""
    postgres: PostgresReset | None = None
    """A PostgreSQL database that is replaced by a copy of a template database."""
    mysql: MySQLReset | None = None
    """A MySQL or MariaDB database that is filled anew from a dump."""
    mongodb: MongoDBReset | None = None
    """A MongoDB database that is filled anew from a dump."""
    http: HTTPReset | None = None
    """A service that resets them when it is called."""
    volume_snapshot: VolumeReset | None = None
    """A volume that is made anew from a snapshot."""

    @property
    def reset(self) -> Reset:
        """The one that is asked for. Raises ValueError for what the CRD's own rules should have refused."""
        ways = (self.job, self.postgres, self.mysql, self.mongodb, self.http, self.volume_snapshot)
        reset = next((way for way in ways if way is not None), None)
        if reset is None:
            raise ValueError("spec.data has no way to reset")
        return reset
