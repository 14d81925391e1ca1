"""Azure's quotas, by Azure's own client with an identity that Azure manages, at a server of the documented form."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devperfops_operator.adapters.azure import quotas
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.extras import azure_extra
from tests.unit.adapters.loopback import Answer, Request, check, findings, serving

TOKEN = "token-of-the-identity"
SECRET = "header-of-the-identity"
CORES = "standardDSv3Family"


def quota(value: Any, name: str = CORES, **more: Any) -> dict[str, Any]:
    return {
        "id": f"/x/providers/Microsoft.Quota/quotas/{name}",
        "type": "Microsoft.Quota/Quotas",
        "name": name,
        "properties": {
            "limit": {"limitObjectType": "LimitValue", "limitType": "Independent", "value": value},
            "unit": "Count",
            "name": {"value": name, "localizedValue": "Standard DSv3 Family vCPUs"},
            "isQuotaApplicable": True,
            **more,
        },
    }


def usage(value: int, name: str = CORES) -> dict[str, Any]:
    usages = {
        "usages": {"usagesType": "Individual", "value": value},
        "unit": "Count",
        "name": {"value": name},
    }
    return {"id": f"/x/{name}", "type": "Microsoft.Quota/Usages", "name": name, "properties": usages}


def request(limit: int, state: str, name: str = CORES) -> dict[str, Any]:
    part = {
        "name": {"value": name},
        "provisioningState": state,
        "limit": {"limitObjectType": "LimitValue", "value": limit},
    }
    properties = {"provisioningState": state, "requestSubmitTime": "2026-12-01T00:00:00Z", "value": [part]}
    return {"id": "/x/1", "type": "Microsoft.Quota/quotaRequests", "name": "1", "properties": properties}


class Azure:
    """What each subscription has, in pages of one. `asked`: how often which page was."""

    def __init__(self) -> None:
        self.lists: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.refusals: dict[str, list[Answer]] = {}
        self.asked: Counter[str] = Counter()
        self.url = ""

    def grant(self, subscription: str, *told: dict[str, Any], kind: str = "quotas") -> None:
        self.lists[subscription, kind] = list(told)

    def answer(self, request: Request) -> Answer:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.method == "GET", "it only reads"
        _, _, subscription, _, service, _, location, _, namespace, kind = request.path.split("/")
        assert (service, location, namespace) == ("Microsoft.Compute", "westeurope", "Microsoft.Quota")
        at = int(request.query.get("$skiptoken", 0))
        page = f"{subscription} {kind} {at}"
        self.asked[page] += 1
        refusals = self.refusals.get(page, [])
        if refusals:
            return refusals.pop(0)
        found = self.lists.get((subscription, kind), [])
        following = f"{self.url}{request.path}?api-version=2025-09-01&$skiptoken={at + 1}"
        further = {"nextLink": following} if at + 1 < len(found) else {}
        return Answer(200, {"value": found[at : at + 1], **further})


def error(status: int, code: str, message: str, **headers: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}}, headers)


DENIED = error(403, "AuthorizationFailed", "The client does not have authorization to perform action 'x'")
BUSY = error(429, "TooManyRequests", "Too many requests", **{"Retry-After": "0"})
AWAY = error(503, "ServiceUnavailable", "Try again")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client sends tokens through TLS only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "azure")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "azure.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def identity(request: Request) -> Answer:
    """As a pod of App Service has it beside itself."""
    if request.headers.get("x-identity-header") != SECRET:
        return Answer(401, {"statusCode": 401, "message": "no"})
    expires = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
    content = {"access_token": TOKEN, "expires_on": str(expires), "token_type": "Bearer", "resource": "x"}
    return Answer(200, content)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> Iterator[Azure]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    monkeypatch.setattr(quotas, "_BACKOFF", 0)
    made = Azure()
    with serving(identity) as place, serving(made.answer, tls) as made.url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{place}/msi/token")
        yield made


def compare(azure: Azure, folder: Path, *arguments: str, **spec: Any) -> Result:
    def subscription(name: str) -> dict[str, Any]:
        return {"azure": {"subscription": name, "locations": ["westeurope"], "endpoint": azure.url}}

    environments = {"baseline": subscription("test"), "serving": subscription("live")}
    return check(folder, environments, *arguments, **{"services": [{"name": "Microsoft.Compute"}], **spec})


def test_a_lower_limit_in_production_is_a_regression_with_its_remedy(azure: Azure, tmp_path: Path) -> None:
    azure.grant("test", quota(100), quota(10, "cores"))
    azure.grant("live", quota(10, "cores"), quota(64))
    azure.grant("live", usage(3, "cores"), usage(60), kind="usages")
    done = compare(azure, tmp_path)
    assert done.exit_code == 1
    assert "load-test has 100, production has 64" in done.stdout
    assert (
        "-> az quota update --scope subscriptions/live/providers/Microsoft.Compute/locations/westeurope "
        f"--resource-name {CORES} --limit-object value=100 limit-object-type=LimitValue"
    ) in done.stdout
    assert azure.asked["live usages 1"] == 1, "all pages"
    azure.grant("live", quota(10, "cores"), quota(100))
    assert compare(azure, tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("theirs", "asked", "verdict"),
    [
        (quota(-1), (), "Pass"),
        (quota(0), (), "Regression"),
        (quota(100), (request(50, "InProgress"),), "Regression"),
        (quota(100), (request(50, "Accepted"),), "Regression"),
        (quota(100), (request(50, "Failed"),), "Pass"),
        (quota(64), (request(200, "InProgress"),), "Regression"),
        (quota(100, limit=None), (), "Error"),
        (quota(100, unit="Parsecs per hour"), (), "Error"),
    ],
    ids=["unlimited", "zero", "lowered", "to be lowered", "refused", "to be raised", "no limit", "unit"],
)
def test_limits_are_read_as_they_are_told(
    azure: Azure, tmp_path: Path, theirs: dict[str, Any], asked: tuple[dict[str, Any], ...], verdict: str
) -> None:
    azure.grant("test", quota(100))
    azure.grant("live", theirs)
    azure.grant("live", *asked, kind="quotaRequests")
    assert [found for found, *_ in findings(compare(azure, tmp_path, "-o", "json"))] == [verdict]


@pytest.mark.parametrize("page", ["quotas 0", "quotas 1", "usages 0", "quotaRequests 0"])
def test_half_of_it_is_an_error_and_nothing_is_compared(azure: Azure, tmp_path: Path, page: str) -> None:
    for subscription, limit in (("test", 2), ("live", 1)):
        azure.grant(subscription, quota(limit), quota(limit, "cores"))
    azure.refusals[f"live {page}"] = [DENIED]
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "Regression" not in done.stdout
    assert "production: 403: (AuthorizationFailed) The client does not have authorization" in done.stdout
    assert "give the credentials the rights to read quotas" in done.stdout


@pytest.mark.parametrize("refusal", [BUSY, AWAY], ids=["429", "503"])
def test_it_asks_again_and_gives_up_in_the_end(azure: Azure, tmp_path: Path, refusal: Answer) -> None:
    for subscription in ("test", "live"):
        azure.grant(subscription, quota(2), quota(2, "cores"))
    azure.refusals["live quotas 1"] = [refusal] * 3
    assert compare(azure, tmp_path).exit_code == 0
    assert azure.asked["live quotas 1"] == 4
    azure.refusals["live quotas 1"] = [refusal] * 4
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "check again when the API answers" in done.stdout


def test_a_page_that_leads_to_itself_is_no_list(azure: Azure, tmp_path: Path) -> None:
    azure.grant("live", quota(1), quota(1, "cores"))
    path = "/subscriptions/live/providers/Microsoft.Compute/locations/westeurope/providers/Microsoft.Quota/quotas"
    page = Answer(200, {"value": [], "nextLink": f"{azure.url}{path}?$skiptoken=1"})
    azure.refusals["live quotas 1"] = [page, page]
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "the page after a page is that page" in done.stdout


def test_a_provider_that_is_not_registered_is_not_registered_by_us(azure: Azure, tmp_path: Path) -> None:
    azure.refusals["live quotas 0"] = [
        error(409, "MissingSubscriptionRegistration", "not registered to use it")
    ]
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "register Microsoft.Quota in the subscription" in done.stdout


def test_an_answer_of_another_form_is_an_error(azure: Azure, tmp_path: Path) -> None:
    azure.refusals["live quotas 0"] = [Answer(200, b"<html>sign in</html>", {"Content-Type": "text/html"})]
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "Regression" not in done.stdout


def test_credentials_that_do_not_hold_are_told_without_them(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    azure.grant("test", quota(1))
    azure.grant("live", quota(1))
    assert compare(azure, tmp_path).exit_code == 0
    monkeypatch.setenv("IDENTITY_HEADER", "another-secret")
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "there are no credentials of Azure" in done.stdout
    told = done.output + caplog.text
    assert not any(secret in told for secret in (TOKEN, SECRET, "another-secret"))


def test_a_choice_of_credentials_that_is_none_is_told(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "passport")
    done = compare(azure, tmp_path)
    assert done.exit_code == 2
    assert "correct the variables of the environment that begin with AZURE_" in done.stdout


def test_without_the_extra_it_says_what_to_install() -> None:
    with pytest.raises(Trouble, match=r"pip install 'devperfops-operator\[azure\]'"), azure_extra():
        raise ModuleNotFoundError(name="azure.identity")
