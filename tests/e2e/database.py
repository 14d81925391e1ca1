"""A PostgreSQL server in a pod, with a database that load tests may have and its golden copy."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from hack.cluster import imagestore, settings
from hack.demo import setup
from hack.kube import Kube, Object, kubectl

NAME = "database"
_PASSWORD = "opens the database"
_SETUP = """\
CREATE DATABASE shop;
\\connect shop
CREATE TABLE orders (id serial PRIMARY KEY, state text NOT NULL);
INSERT INTO orders (state) SELECT 'open' FROM generate_series(1, 500);
\\connect postgres
CREATE DATABASE shop_golden TEMPLATE shop;
ALTER DATABASE shop_golden WITH ALLOW_CONNECTIONS false;
COMMENT ON DATABASE shop IS 'devperfops.io/may-be-reset';
"""
_STATE = (
    "SELECT count(*), md5(string_agg(orders::text, ' ' ORDER BY id)), "
    "(SELECT last_value FROM orders_id_seq) FROM orders"
)
_DIRTY = (
    "DELETE FROM orders WHERE id % 3 = 0;"
    "INSERT INTO orders (state) SELECT 'new' FROM generate_series(1, 100);"
    "CREATE TABLE left_behind (id int)"
)


@dataclass(frozen=True)
class Database:
    kube: Kube
    namespace: str

    @classmethod
    def started(cls, kube: Kube, namespace: str, *, claim: str | None = None) -> Database:
        """`claim`: where its files are; None: nowhere that outlives its pod."""
        cache = settings.cache()
        image = imagestore.known(cache, "postgres")
        imagestore.load(cache, image)
        kept = {"emptyDir": {}} if claim is None else {"persistentVolumeClaim": {"claimName": claim}}
        kube.apply(_objects(namespace, image.name, kept))
        setup.wait_for_deployment(kube, NAME, namespace)
        return cls(kube, namespace)

    @property
    def reset(self) -> Object:
        """`spec.data.postgres` of a gate."""
        return {
            "image": imagestore.known(settings.cache(), "postgres").name,
            "env": [
                {"name": "PGHOST", "value": NAME},
                {"name": "PGUSER", "value": "postgres"},
                {
                    "name": "PGPASSWORD",
                    "valueFrom": {"secretKeyRef": {"name": NAME, "key": "password"}},
                },
            ],
            "database": "shop",
            "template": "shop_golden",
            "verify": {"query": "SELECT count(*) FROM orders", "expect": "500"},
        }

    def sql(self, text: str) -> str:
        """What the statements give in the database."""
        argv = [kubectl(), f"--kubeconfig={self.kube.kubeconfig}", "exec", f"--namespace={self.namespace}"]
        psql = ["psql", "--no-psqlrc", "-qtA", "--set=ON_ERROR_STOP=1", "--host=/tmp", "--username=postgres"]
        done = subprocess.run(
            [*argv, f"deployment/{NAME}", "--", *psql, "--dbname=shop", f"--command={text}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def state(self) -> str:
        """All rows, and where ids go on."""
        return self.sql(_STATE)

    def dirty(self) -> None:
        """What a load test leaves behind."""
        self.sql(_DIRTY)


def _objects(namespace: str, image: str, kept: Object) -> list[Object]:
    metadata = {"name": NAME, "namespace": namespace}
    labels = {"app": NAME}
    container = {
        "name": "postgres",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-c", "fsync=off", "-c", "shared_buffers=32MB"],
        "env": [
            {"name": "POSTGRES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": NAME, "key": "password"}}}
        ],
        "readinessProbe": {"exec": {"command": ["pg_isready", "--host=127.0.0.1"]}, "periodSeconds": 2},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "setup", "mountPath": "/setup"},
            {"name": "data", "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "setup", "configMap": {"name": NAME}},
            {"name": "data", **kept},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": _PASSWORD}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"setup.sql": _SETUP}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 5432}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    ]
