"""AWS's quotas, signed by AWS's own runtime, at a server of the documented form that checks each signature itself."""

from __future__ import annotations

import hashlib
import hmac
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from devperfops_operator.adapters.aws import client
from tests.unit.adapters.loopback import Answer, Request, Result, check, findings, serving

KEYS = {"AKIDLOADTEST": "load-test's secret", "AKIDPRODUCTION": "production's secret"}
TOKEN = "session/token+of=production"
CONCURRENCY, RATE = "L-B99A9384", "L-548AE339"


def signature(request: Request) -> str:
    """Of Signature Version 4, from its description, by the secret of the key that the request names."""
    told = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<scope>\S+), SignedHeaders=(?P<names>\S+), Signature=\w+",
        request.headers["authorization"],
    )
    assert told is not None
    assert {"host", "x-amz-date"} <= set(told["names"].split(";"))
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in told["names"].split(";"))
    query = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(request.query.items()))
    body = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.path, query, headers, told["names"], body])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], told["scope"], digest])
    key = f"AWS4{KEYS[told['key']]}".encode()
    for part in (*told["scope"].split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def quota(code: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "ServiceCode": "lambda",
        "ServiceName": "AWS Lambda",
        "QuotaArn": f"arn:aws:servicequotas:eu-west-1:123456789012:lambda/{code}",
        "QuotaCode": code,
        "QuotaName": "Concurrent executions",
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
        **more,
    }


def change(code: str, desired: float, status: str) -> dict[str, Any]:
    return {
        "Id": f"{code}-{status}",
        "ServiceCode": "lambda",
        "QuotaCode": code,
        "DesiredValue": desired,
        "Status": status,
        "Created": 1.79e9,
        "Unit": "None",
    }


class Aws:
    """What each account's key sees, in pages of one. `asked`: how often each action was, by key."""

    def __init__(self) -> None:
        self.applied: dict[str, list[dict[str, Any]]] = {key: [] for key in KEYS}
        self.defaults: dict[str, list[dict[str, Any]]] = {key: [] for key in KEYS}
        self.changes: dict[str, list[dict[str, Any]]] = {key: [] for key in KEYS}
        self.plans: dict[str, list[dict[str, Any]]] = {key: [] for key in KEYS}
        self.apis: dict[str, list[dict[str, Any]]] = {key: [] for key in KEYS}
        self.refusals: dict[tuple[str, str], list[Answer]] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.url = ""

    def answer(self, request: Request) -> Answer:
        authorization = request.headers["authorization"]
        key = next((key for key in KEYS if f"={key}/" in authorization), "")
        if not key:
            return _refused(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        if not authorization.endswith(f"Signature={signature(request)}"):
            told = f"The request signature does not match.\n\nhost:x\nx-amz-security-token:{TOKEN}"
            return _refused("InvalidSignatureException", told)
        action = request.headers.get("x-amz-target", request.path).rpartition(".")[2]
        at = (request.content if request.body else request.query).get("NextToken") or request.query.get(
            "position"
        )
        self.asked[key, action] += 1
        refusals = self.refusals.get((key, f"{action} {at or ''}".strip()), [])
        if refusals:
            return refusals.pop(0)
        return self._page(key, action, int(at or 0), request)

    def _page(self, key: str, action: str, at: int, request: Request) -> Answer:
        if action.startswith("/"):
            assert "/eu-west-1/apigateway/" in request.headers["authorization"]
            assert request.headers["accept"] == "application/json"
            found = {"/usageplans": self.plans, "/restapis": self.apis}[action][key]
            further = {"position": str(at + 1)} if at + 1 < len(found) else {}
            return Answer(200, {"item": found[at : at + 1], **further})
        assert "/eu-west-1/servicequotas/" in request.headers["authorization"]
        if request.content["ServiceCode"] != "lambda":
            return _refused(
                "NoSuchResourceException", "The request failed because the specified service does not exist."
            )
        name, found = {
            "ListServiceQuotas": ("Quotas", self.applied[key]),
            "ListAWSDefaultServiceQuotas": ("Quotas", self.defaults[key]),
            "ListRequestedServiceQuotaChangeHistory": ("RequestedQuotas", self.changes[key]),
        }[action]
        further = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        return Answer(200, {name: found[at : at + 1], **further})


def _refused(code: str, message: str, status: int = 400) -> Answer:
    return Answer(status, {"__type": code, "message": message})


THROTTLED = _refused("TooManyRequestsException", "Rate exceeded")
DENIED = _refused("AccessDeniedException", "User: arn:aws:iam::1:user/ci is not authorized to perform it")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    credentials = tmp_path / "credentials"
    load_test, production = KEYS
    credentials.write_text(
        f"[load-test]\naws_access_key_id={load_test}\naws_secret_access_key={KEYS[load_test]}\n"
        f"[production]\naws_access_key_id={production}\naws_secret_access_key={KEYS[production]}\n"
        f"aws_session_token={TOKEN}\n"
        f"[wrong]\naws_access_key_id={production}\naws_secret_access_key=guessed\naws_session_token={TOKEN}\n"
        "[nobody]\naws_access_key_id=AKIDNOBODY\naws_secret_access_key=guessed\n"
    )
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(client, "_PAUSE_SECONDS", 0.0)
    made = Aws()
    with serving(made.answer) as made.url:
        yield made


def compare(
    aws: Aws, folder: Path, *arguments: str, serving_by: str | None = "production", **spec: Any
) -> Result:
    def account(profile: str | None) -> Mapping[str, Any]:
        told = {"profile": profile} if profile else {}
        return {"aws": {"regions": ["eu-west-1"], "endpoint": aws.url, **told}}

    environments = {"baseline": account("load-test"), "serving": account(serving_by)}
    return check(folder, environments, *arguments, **{"services": [{"name": "lambda"}], **spec})


def test_what_is_applied_counts_and_aws_default_where_nothing_is(aws: Aws, tmp_path: Path) -> None:
    for key in KEYS:
        aws.defaults[key] = [quota(CONCURRENCY, 1000.0), quota(RATE, 15.0)]
    aws.applied["AKIDLOADTEST"] = [quota(CONCURRENCY, 3000.0)]
    done = compare(aws, tmp_path)
    assert done.exit_code == 1
    assert "load-test has 3,000, production has 1,000" in done.stdout
    assert (
        "-> aws service-quotas request-service-quota-increase --region eu-west-1 --service-code lambda "
        f"--quota-code {CONCURRENCY} --desired-value 3000  # Concurrent executions"
    ) in done.stdout
    assert aws.asked["AKIDPRODUCTION", "ListAWSDefaultServiceQuotas"] == 2, "a page each"
    aws.applied["AKIDPRODUCTION"] = [quota(CONCURRENCY, 3000.0)]
    assert compare(aws, tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("status", "desired", "verdict"),
    [("PENDING", 500.0, "Regression"), ("CASE_OPENED", 500.0, "Regression"), ("DENIED", 500.0, "Pass"), ("APPROVED", 500.0, "Pass"), ("PENDING", 2000.0, "Pass")],
)  # fmt: skip
def test_while_a_change_is_asked_for_the_lower_value_counts(
    aws: Aws, tmp_path: Path, status: str, desired: float, verdict: str
) -> None:
    for key in KEYS:
        aws.defaults[key] = [quota(CONCURRENCY, 1000.0)]
    aws.changes["AKIDPRODUCTION"] = [change(CONCURRENCY, desired, status)]
    found = findings(compare(aws, tmp_path, "-o", "json"))
    assert [verdict for verdict, *_ in found] == [verdict]


def test_a_quota_that_its_service_does_not_tell_is_an_error(aws: Aws, tmp_path: Path) -> None:
    error = {"ErrorCode": "DEPENDENCY_ACCESS_DENIED_ERROR", "ErrorMessage": "no right to ask the service"}
    for key in KEYS:
        aws.defaults[key] = [quota(CONCURRENCY, 1000.0)]
    aws.applied["AKIDPRODUCTION"] = [quota(CONCURRENCY, 0.0, ErrorReason=error)]
    done = compare(aws, tmp_path)
    assert done.exit_code == 2
    assert "production does not tell the limit" in done.stdout


@pytest.mark.parametrize(
    "refusal",
    [THROTTLED, Answer(503, b"<html>busy</html>"), Answer(429, {"message": "Too Many Requests"}, {"Retry-After": "0"})],
    ids=["throttled", "5xx", "429"],
)  # fmt: skip
def test_it_asks_again_and_gives_up_in_the_end(aws: Aws, tmp_path: Path, refusal: Answer) -> None:
    for key in KEYS:
        aws.defaults[key] = [quota(CONCURRENCY, 1000.0), quota(RATE, 15.0)]
    asked = ("AKIDPRODUCTION", "ListAWSDefaultServiceQuotas")
    aws.refusals["AKIDPRODUCTION", "ListAWSDefaultServiceQuotas 1"] = [refusal] * 3
    assert compare(aws, tmp_path).exit_code == 0
    assert aws.asked[asked] == 5
    aws.refusals["AKIDPRODUCTION", "ListAWSDefaultServiceQuotas 1"] = [refusal] * 4
    done = compare(aws, tmp_path)
    assert done.exit_code == 2
    assert "check again when the API answers" in done.stdout


@pytest.mark.parametrize(
    "action",
    ["ListServiceQuotas", "ListServiceQuotas 1", "ListAWSDefaultServiceQuotas 1", "ListRequestedServiceQuotaChangeHistory"],
)  # fmt: skip
def test_half_of_it_is_an_error_and_nothing_is_compared(aws: Aws, tmp_path: Path, action: str) -> None:
    for key, value in (("AKIDLOADTEST", 2.0), ("AKIDPRODUCTION", 1.0)):
        aws.applied[key] = aws.defaults[key] = [quota(CONCURRENCY, value), quota(RATE, value)]
    aws.refusals["AKIDPRODUCTION", action] = [DENIED]
    done = compare(aws, tmp_path)
    assert done.exit_code == 2
    assert "Regression" not in done.stdout
    assert "production: AccessDeniedException: User: arn:aws:iam::1:user/ci is not authorized" in done.stdout
    assert "give the credentials the rights to read quotas" in done.stdout


def test_a_page_that_leads_to_itself_is_no_list(aws: Aws, tmp_path: Path) -> None:
    page = Answer(200, {"Quotas": [], "NextToken": "1"})
    aws.refusals["AKIDPRODUCTION", "ListServiceQuotas"] = [page]
    aws.refusals["AKIDPRODUCTION", "ListServiceQuotas 1"] = [page]
    done = compare(aws, tmp_path)
    assert done.exit_code == 2
    assert "the page after a page is that page" in done.stdout


def test_an_answer_of_another_form_is_an_error(aws: Aws, tmp_path: Path) -> None:
    aws.refusals["AKIDPRODUCTION", "ListServiceQuotas"] = [Answer(200, b"<html>sign in</html>")]
    done = compare(aws, tmp_path)
    assert done.exit_code == 2
    assert "the answer has not the documented form" in done.stdout


def test_a_service_that_is_not_there_does_not_hide_another(aws: Aws, tmp_path: Path) -> None:
    aws.defaults["AKIDLOADTEST"], aws.defaults["AKIDPRODUCTION"] = [quota(RATE, 2.0)], [quota(RATE, 1.0)]
    done = compare(aws, tmp_path, "-o", "json", services=[{"name": "lambda"}, {"name": "lambada"}])
    assert done.exit_code == 2
    assert [verdict for verdict, *_ in findings(done)] == ["Error", "Error", "Regression"]


@pytest.mark.parametrize(
    ("profile", "told"),
    [("wrong", "InvalidSignatureException"), ("nobody", "UnrecognizedClientException"), ("absent", "there are no credentials of AWS"), (None, "there are no credentials of AWS")],
)  # fmt: skip
def test_credentials_that_do_not_hold_are_told_without_them(
    aws: Aws, tmp_path: Path, profile: str | None, told: str
) -> None:
    done = compare(aws, tmp_path, serving_by=profile)
    assert done.exit_code == 2
    assert told in done.stdout
    assert not any(secret in done.output for secret in (TOKEN, "guessed", *KEYS.values()))


def test_without_a_profile_those_of_the_environment_are_taken(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDPRODUCTION")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["AKIDPRODUCTION"])
    for key in KEYS:
        aws.defaults[key] = [quota(CONCURRENCY, 1000.0)]
    assert compare(aws, tmp_path, serving_by=None).exit_code == 0
    assert aws.asked["AKIDPRODUCTION", "ListServiceQuotas"] == 1


def test_nobody_there_is_an_error(aws: Aws, tmp_path: Path) -> None:
    with serving(lambda _: Answer(200, {})) as away:
        pass
    aws.url = away
    done = compare(aws, tmp_path)
    assert done.exit_code == 2
    assert "the API cannot be reached" in done.stdout


def plan(rate: float, **more: Any) -> dict[str, Any]:
    throttle = {"rateLimit": rate, "burstLimit": 200}
    return {"id": "a1b2c3", "name": "premium", "throttle": throttle, **more}


def test_usage_plans_are_compared_by_the_names_of_their_apis(aws: Aws, tmp_path: Path) -> None:
    for key, api, limit in (("AKIDLOADTEST", "aaa", 50.0), ("AKIDPRODUCTION", "bbb", 20.5)):
        method = {"/orders/{id}/GET": {"rateLimit": limit, "burstLimit": 5}}
        stages = [{"apiId": api, "stage": "v1", "throttle": method}]
        aws.plans[key] = [{**plan(1.0), "id": "z", "name": "basic"}, plan(100.0, apiStages=stages)]
        aws.apis[key] = [{"id": "other", "name": "other"}, {"id": api, "name": "orders"}]
    usage = {"services": [{"name": "apigateway-usage-plans"}]}
    done = compare(aws, tmp_path, **usage)
    assert done.exit_code == 1
    assert "load-test has 50/s, production has 20.5/s" in done.stdout
    assert (
        "-> aws apigateway update-usage-plan --region eu-west-1 --usage-plan-id a1b2c3 --patch-operations "
        "'op=replace,path=/apiStages/bbb:v1/throttle/~1orders~1{id}/GET/rateLimit,value=50'"
    ) in done.stdout
    assert len(findings(compare(aws, tmp_path, "-o", "json", **usage))) == 8
    aws.refusals["AKIDPRODUCTION", "/usageplans 1"] = [DENIED]
    refused = compare(aws, tmp_path, **usage)
    assert (refused.exit_code, "Regression" in refused.stdout) == (2, False)


def test_a_plan_that_is_not_in_production_grants_nothing_there(aws: Aws, tmp_path: Path) -> None:
    aws.plans["AKIDLOADTEST"] = [plan(100.0)]
    done = compare(aws, tmp_path, services=[{"name": "apigateway-usage-plans"}])
    assert done.exit_code == 1
    assert "production has no such limit" in done.stdout


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    environments = {
        role: {"name": role, "aws": {"regions": ["eu-west-1"]}} for role in ("baseline", "serving")
    }
    content = {"apiVersion": "devperfops.io/v1alpha1", "kind": "QuotaPolicy", "metadata": {"name": "a"}}
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump({**content, "spec": {**environments, "services": [{"name": "lambda"}]}}))
    program = (
        "import sys; sys.modules['awscrt'] = None\n"
        "from devperfops_operator.cli import main; sys.argv = sys.argv[:1] + ['quota', 'check', '-f', *sys.argv[1:]]\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(policy)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "awscrt: pip install 'devperfops-operator[aws]'." in done.stderr
