"""Certificates of the cluster, made with openssl (3.0 or newer): one call each, P-256, ten years."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hack.cluster import commands

_DAYS: Final = "3650"


@dataclass(frozen=True)
class Certificate:
    """A key pair NAME.key, NAME.crt signed by `authority`."""

    name: str
    subject: str
    usage: str = "clientAuth"
    names: tuple[str, ...] = ()
    """subjectAltName entries, such as "IP:127.0.0.1"."""
    authority: str = "ca"


@dataclass(frozen=True)
class Pki:
    """The files of one set: authorities, certificates, and the key that signs ServiceAccount tokens."""

    folder: Path

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @property
    def ca(self) -> Path:
        return self.certificate("ca")

    @property
    def tokens(self) -> Path:
        """Signs and checks ServiceAccount tokens."""
        return self.key("service-account")


def ensure(parent: Path, authorities: Iterable[str], certificates: Iterable[Certificate]) -> Pki:
    """The set of certificates, made if the folder `parent` has none for just this list."""
    authorities, certificates = list(authorities), list(certificates)
    pki = Pki(parent / f"pki-{_key(authorities, certificates)}")
    if pki.folder.exists():
        return pki
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pki-", dir=parent) as name:
        scratch = Path(name) / "pki"
        scratch.mkdir(mode=0o700)
        _generate(Pki(scratch), authorities, certificates)
        for old in parent.glob("pki-*"):
            shutil.rmtree(old)
        scratch.rename(pki.folder)
    return pki


def extensions(usage: str, names: Iterable[str]) -> str:
    """An openssl configuration with the extensions of a certificate; `usage` "CA" makes an authority."""
    if usage == "CA":
        lines = [
            "basicConstraints=critical,CA:TRUE",
            "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        ]
    else:
        lines = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            f"extendedKeyUsage={usage}",
        ]
    if names := list(names):
        lines.append(f"subjectAltName={','.join(names)}")
    return "\n".join(["[req]", "distinguished_name=name", "[name]", "[extensions]", *lines, ""])


def _key(authorities: list[str], certificates: list[Certificate]) -> str:
    text = json.dumps([authorities, [asdict(certificate) for certificate in certificates]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _generate(pki: Pki, authorities: list[str], certificates: list[Certificate]) -> None:
    for name in authorities:
        _sign(pki, Certificate(name, f"/CN=devperfops-local-{name}", usage="CA", authority=""))
    for certificate in certificates:
        _sign(pki, certificate)
    commands.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(pki.tokens)])


def _sign(pki: Pki, certificate: Certificate) -> None:
    config = pki.folder / "openssl.cnf"
    config.write_text(extensions(certificate.usage, certificate.names))
    by = certificate.authority
    signer = ["-CA", str(pki.certificate(by)), "-CAkey", str(pki.key(by))] if by else []
    commands.run(
        [
            *("openssl", "req", "-x509", "-config", str(config), "-extensions", "extensions"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
            *("-subj", certificate.subject, "-days", _DAYS),
            *("-keyout", str(pki.key(certificate.name)), "-out", str(pki.certificate(certificate.name))),
            *signer,
        ]
    )
    config.unlink()
