"""Google's Cloud Quotas API, by Google's client with a service account's key, at a server of the documented form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.unit.adapters.loopback import Answer, Request, check, findings, serving

LEDGER = "ledger.googleapis.com"


def info(value: int | None, **more: Any) -> dict[str, Any]:
    """64 bits as a text; a 0 is left out."""
    details = more.pop("details", {})
    whole = {"details": {**({} if value is None else {"value": str(value)}), **details}}
    quota = more.pop("quotaId", "ReadCallsPerMinutePerProject")
    return {
        "name": f"projects/1/locations/global/services/{LEDGER}/quotaInfos/{quota}",
        "quotaId": quota,
        "metric": f"{LEDGER}/read_calls",
        "service": LEDGER,
        "isPrecise": True,
        "refreshInterval": "minute",
        "containerType": "PROJECT",
        "metricUnit": "1",
        "quotaIncreaseEligibility": {"isEligible": True},
        "dimensionsInfos": [*more.pop("buckets", ()), whole],
        **more,
    }


def preference(preferred: int, *, reconciling: bool = True, **dimensions: str) -> dict[str, Any]:
    return {
        "name": "projects/1/locations/global/quotaPreferences/ours",
        "service": LEDGER,
        "quotaId": "ReadCallsPerMinutePerProject",
        "dimensions": dimensions,
        "quotaConfig": {"preferredValue": str(preferred), "grantedValue": "100"},
        "reconciling": reconciling,
    }


class Google:
    """Quotas and preferences by project, in pages of one."""

    def __init__(self) -> None:
        self.infos: dict[str, list[dict[str, Any]]] = {"load-test": [], "production": []}
        self.preferences: dict[str, list[dict[str, Any]]] = {"load-test": [], "production": []}
        self.refusals: dict[str, list[Answer]] = {}
        self.url = ""

    def answer(self, request: Request) -> Answer:
        if request.method == "POST":
            return Answer(200, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        assert request.headers["authorization"] == "Bearer t"
        project, kind = request.path.split("/")[3], request.path.rpartition("/")[2]
        services = f"/services/{LEDGER}" if kind == "quotaInfos" else ""
        assert request.path == f"/v1/projects/{project}/locations/global{services}/{kind}"
        at = int(request.query.get("pageToken", 0))
        refusals = self.refusals.get(f"{project} {kind} {at}", [])
        if refusals:
            return refusals.pop(0)
        found = {"quotaInfos": self.infos, "quotaPreferences": self.preferences}[kind][project]
        further = {"nextPageToken": str(at + 1)} if at + 1 < len(found) else {}
        return Answer(200, {kind: found[at : at + 1], **further})


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str) -> Iterator[Google]:
    made = Google()
    with serving(made.answer) as made.url:
        account = {"type": "service_account", "client_email": "ci@shop.iam.gserviceaccount.com"}
        file = tmp_path / "account.json"
        file.write_text(json.dumps({**account, "private_key": key, "token_uri": f"{made.url}/token"}))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop")
        yield made


def compare(google: Google, folder: Path, *arguments: str) -> Result:
    def project(name: str) -> dict[str, Any]:
        return {"google": {"project": name, "api": "CloudQuotas", "endpoint": google.url}}

    environments = {"baseline": project("load-test"), "serving": project("production")}
    return check(folder, environments, *arguments, services=[{"name": LEDGER}])


def test_it_tells_a_regression_and_the_command_that_asks_for_more(google: Google, tmp_path: Path) -> None:
    other = info(5, quotaId="Storage", metric=f"{LEDGER}/storage", metricUnit="GiBy", refreshInterval="")
    google.infos = {
        "load-test": [other, info(2400)],
        "production": [
            other,
            info(1000, buckets=[{"dimensions": {"region": "eu"}, "details": {"value": "900"}}]),
        ],
    }
    done = compare(google, tmp_path)
    assert done.exit_code == 1
    assert "load-test has 2,400/min, production has 1,000/min" in done.stdout
    command = (
        f"gcloud beta quotas preferences create --project=production --service={LEDGER} "
        "--quota-id=ReadCallsPerMinutePerProject --preferred-value=2400"
    )
    assert f"-> {command}\n" in done.stdout
    assert f"{command} --dimensions=region=eu" in done.stdout
    assert len(findings(compare(google, tmp_path, "-o", "json"))) == 3
    google.infos["production"] = [other, info(2400)]
    assert compare(google, tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("theirs", "asked", "verdict"),
    [
        (info(-1), None, "Pass"),
        (info(None), None, "Regression"),
        (info(2**53 + 1), None, "Pass"),
        (info(100), preference(50), "Regression"),
        (info(50), preference(100), "Regression"),
        (info(100), preference(50, reconciling=False), "Pass"),
        (info(100, details={"rolloutInfo": {"ongoingRollout": True}}), None, "Error"),
        (info(100, refreshInterval="moon"), None, "Error"),
    ],
    ids=[
        "unlimited",
        "zero",
        "beyond floats",
        "to be lowered",
        "to be raised",
        "done",
        "rollout",
        "interval",
    ],
)
def test_limits_are_read_as_they_are_told(
    google: Google, tmp_path: Path, theirs: dict[str, Any], asked: dict[str, Any] | None, verdict: str
) -> None:
    google.infos = {"load-test": [info(100)], "production": [theirs]}
    google.preferences["production"] = [preference(1, reconciling=False), *([asked] if asked else [])]
    assert [found for found, *_ in findings(compare(google, tmp_path, "-o", "json"))] == [verdict]


def refused(code: int, status: str, message: str) -> Answer:
    return Answer(code, {"error": {"code": code, "status": status, "message": message}})


@pytest.mark.parametrize("page", ["quotaInfos 0", "quotaInfos 1", "quotaPreferences 0"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refused(403, "PERMISSION_DENIED", "Permission cloudquotas.quotas.get denied"), "give the credentials the right"),
        (Answer(200, {"unreachable": ["locations/global"]}), "not reached: locations/global"),
    ],
    ids=["403", "partial"],
)  # fmt: skip
def test_half_of_it_is_an_error_and_nothing_is_compared(
    google: Google, tmp_path: Path, page: str, answer: Answer, said: str
) -> None:
    google.infos = {name: [info(value)] * 2 for name, value in (("load-test", 2), ("production", 1))}
    google.refusals[f"production {page}"] = [answer] * 4
    done = compare(google, tmp_path)
    assert done.exit_code == 2
    assert "Regression" not in done.stdout
    assert said in done.stdout
