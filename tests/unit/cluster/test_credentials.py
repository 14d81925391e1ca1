"""Certificates are made once, and open what they should."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hack.cluster import kubeconfig, pki
from hack.cluster.controlplane import ADMIN, serving_certificate

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
SERVING = serving_certificate(("127.0.0.1",))


def verified(made: pki.Pki, name: str, purpose: str) -> bool:
    command = ["openssl", "verify", "-CAfile", str(made.ca), "-purpose", purpose, str(made.certificate(name))]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_each_certificate_serves_its_one_purpose(tmp_path: Path) -> None:
    made = pki.ensure(tmp_path, ["ca"], [SERVING, ADMIN])
    assert verified(made, "apiserver", "sslserver")
    assert not verified(made, "apiserver", "sslclient")
    assert verified(made, "admin", "sslclient")
    assert not verified(made, "admin", "sslserver")


def test_the_same_list_is_made_once_and_another_anew(tmp_path: Path) -> None:
    first = pki.ensure(tmp_path, ["ca"], [ADMIN])
    before = first.ca.read_bytes()
    assert pki.ensure(tmp_path, ["ca"], [ADMIN]).ca.read_bytes() == before
    second = pki.ensure(tmp_path, ["ca"], [ADMIN, SERVING])
    assert second.ca.read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == [second.folder.name]


def test_alternative_names_are_those_asked_for() -> None:
    assert "subjectAltName=IP:127.0.0.1,DNS:x" in pki.extensions("serverAuth", ["IP:127.0.0.1", "DNS:x"])
    assert "subjectAltName" not in pki.extensions("clientAuth", [])
    assert "CA:TRUE" in pki.extensions("CA", [])


def test_a_kubeconfig_holds_all_it_needs() -> None:
    config = json.loads(kubeconfig.render("https://1.2.3.4:6443", "admin", b"ca", b"crt", b"key"))
    assert config["clusters"][0]["cluster"]["server"] == "https://1.2.3.4:6443"
    user = config["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == b"key"
    context = config["contexts"][0]
    assert config["current-context"] == context["name"]
    assert context["context"] == {"cluster": config["clusters"][0]["name"], "user": "admin"}
