"""The settings file: what it may say, and the sentences it is refused with."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.adapters.kubernetes.connection import REQUEST_SECONDS
from devperfops_operator.api.settings import PrometheusServer, SettingsError, parse_settings

SHORTEST = """
operatorUrl: http://devperfops-operator.devperfops-system.svc:8080/
images: {operator: devperfops/operator:0.1.0, jmeter: devperfops/jmeter:5.6.3}
"""


def test_the_shortest_file_gets_the_defaults():
    settings = parse_settings(SHORTEST)

    assert settings.operator_url == "http://devperfops-operator.devperfops-system.svc:8080"
    assert settings.images.pull_policy == "IfNotPresent"
    assert settings.port == 8080
    assert settings.namespaces == ()
    assert settings.prometheus == {}
    assert settings.timeouts.start == timedelta(minutes=5)
    assert settings.timeouts.drain == timedelta(minutes=3)
    assert settings.leader_election.namespace is None
    assert settings.leader_election.name == "devperfops-operator"


def test_another_operator_takes_over_only_when_the_requests_of_the_last_one_have_ended():
    terms = parse_settings(SHORTEST).leader_election

    assert terms.lease_duration - terms.renew_deadline >= timedelta(seconds=REQUEST_SECONDS)
    assert terms.renew_deadline > timedelta(seconds=30) + 2 * terms.retry_period, "30 s without API server"


def test_prometheus_servers_have_names():
    settings = parse_settings(
        SHORTEST
        + """
namespaces: [sock-shop, podinfo]
prometheus:
  monitoring: {url: "http://prometheus.monitoring.svc:9090"}
  fast: {url: "https://prometheus.example/tenant", scrapeInterval: 5s}
"""
    )

    assert settings.namespaces == ("sock-shop", "podinfo")
    assert settings.prometheus == {
        "monitoring": PrometheusServer(
            url="http://prometheus.monitoring.svc:9090", scrape_interval=timedelta(seconds=15)
        ),
        "fast": PrometheusServer(
            url="https://prometheus.example/tenant", scrape_interval=timedelta(seconds=5)
        ),
    }


def test_a_prometheus_server_may_want_to_know_who_asks():
    settings = parse_settings(
        SHORTEST
        + """
prometheus:
  shared:
    url: https://prometheus.example
    tokenFile: /etc/devperfops-secrets/shared/token
    headers: {X-Scope-OrgID: shop}
    caFile: /etc/devperfops-secrets/shared/ca.crt
  guarded:
    url: https://prometheus.guarded.svc:9090
    basicAuth: {username: devperfops, passwordFile: /etc/devperfops-secrets/guarded/password}
"""
    )

    shared, guarded = settings.prometheus["shared"], settings.prometheus["guarded"]
    assert shared.token_file == Path("/etc/devperfops-secrets/shared/token")
    assert shared.headers == {"X-Scope-OrgID": "shop"}
    assert shared.ca_file == Path("/etc/devperfops-secrets/shared/ca.crt")
    assert guarded.basic_auth is not None
    assert guarded.basic_auth.password_file == Path("/etc/devperfops-secrets/guarded/password")


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (
            "url: 'https://p', tokenFile: /t, basicAuth: {username: u, passwordFile: /p}",
            "tokenFile and basicAuth both say who the operator is",
        ),
        ("url: 'http://p', caFile: /ca.crt", "caFile is for https"),
        (
            "url: 'https://p', headers: {Authorization: s3cret}",
            "Authorization holds a secret: write tokenFile",
        ),
        ("url: 'https://p', headers: {'X Scope': shop}", '"X Scope" is not the name of a header'),
        ("url: 'https://p', headers: {X-Scope-OrgID: \"a\\r\\nb: c\"}", "headers.X-Scope-OrgID"),
        ("url: 'https://p', basicAuth: {username: 'a:b', passwordFile: /p}", "basicAuth.username"),
        ("url: 'https://p', basicAuth: {username: a, password: s3cret}", "there is no such setting"),
        ("url: 'https://p', insecureSkipVerify: true", "there is no such setting"),
    ],
)
def test_credentials_that_cannot_be_used_are_refused(server, sentence):
    with pytest.raises(SettingsError) as refused:
        parse_settings(f"{SHORTEST}\nprometheus: {{m: {{{server}}}}}")

    assert sentence in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not a mapping of settings: begin with operatorUrl"),
        ("- operatorUrl", "not a mapping of settings: begin with operatorUrl"),
        ("images: [", "not readable as YAML"),
        ("images: {operator: a}", "operatorUrl: missing; it has no default; images.jmeter: missing"),
        (SHORTEST + "operatorURL: http://x", "operatorURL: there is no such setting"),
        (SHORTEST + "port: 1\nport: 2", '"port" is given twice'),
        (SHORTEST + "? [1]\n: 2", "unhashable key"),
        (SHORTEST + "port: 0", "port: input should be greater than or equal to 1, but it is 0"),
        (SHORTEST + "port: yes", "port: input should be a valid integer, but it is True"),
        (SHORTEST + "namespaces: [Sock_Shop]", 'namespaces.0: "Sock_Shop" is not a name'),
        (SHORTEST + "prometheus: {Mon: {url: 'http://p'}}", 'prometheus.Mon: "Mon" is not a name'),
        (SHORTEST + "prometheus: {m: {url: p:9090}}", 'prometheus.m.url: "p:9090" is not an address'),
        (
            SHORTEST + "prometheus: {m: {url: 'http://u:s3cret@p'}}",
            "the address of p must have no user, password",
        ),
        (
            SHORTEST + "prometheus: {m: {url: 'http://p/?a=b'}}",
            "the address of p must have no user, password",
        ),
        (
            SHORTEST + "prometheus: {m: {url: 'http://p', scrapeInterval: 15}}",
            'prometheus.m.scrapeInterval: "15" is not a duration: write for example',
        ),
        (SHORTEST + "prometheus: {m: {url: 'http://p', scrapeInterval: 0s}}", '"0s" is no time at all'),
        (
            SHORTEST + "leaderElection: {leaseDuration: 30s}",
            "leaderElection: retryPeriod must be shorter than renewDeadline, and that than leaseDuration",
        ),
        (SHORTEST + "leaderElection: {retryPeriod: 40s}", "leaderElection: retryPeriod must be shorter"),
        (SHORTEST + "timeouts: {start: -1s}", 'timeouts.start: "-1s" is not a duration'),
        (
            SHORTEST.replace("5.6.3", "5.6.3, pullPolicy: never"),
            "images.pullPolicy: input should be 'Always', 'IfNotPresent' or 'Never', but it is 'never'",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(SettingsError) as refused:
        parse_settings(text)

    assert sentence in str(refused.value)
    assert "s3cret" not in str(refused.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with pytest.raises(SettingsError):
        parse_settings(text)


def test_receivers_are_named_as_they_are_set():
    slack = {"slack": {"tokenFile": "/secrets/slack", "channel": "#releases"}}
    told = parse_settings(yaml.safe_dump({**yaml.safe_load(SHORTEST), "notifications": slack})).notifications
    assert told.receivers == ("slack",)
    assert told.slack is not None
    assert told.slack.api_url == "https://slack.com/api"


@pytest.mark.parametrize(
    ("receiver", "words"),
    [
        ({"slack": {"token": "xoxb-1"}}, "notifications.slack.token: there is no such setting"),
        ({"slack": {"tokenFile": "/secrets/slack"}}, "notifications.slack.channel: missing"),
        (
            {"webhook": {"url": "hooks.example"}},
            'notifications.webhook.url: "hooks.example" is not an address',
        ),
        ({"webhook": {"url": "http://user:word@hooks"}}, "must have no user, password"),
    ],
)
def test_receivers_that_cannot_be_used_are_refused(receiver, words):
    with pytest.raises(SettingsError, match=re.escape(words)):
        parse_settings(yaml.safe_dump({**yaml.safe_load(SHORTEST), "notifications": receiver}))
