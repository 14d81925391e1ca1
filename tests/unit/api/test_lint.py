from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.runs import FEWEST_RUNS
from devperfops_operator.api.lint import Finding, PlanReader, Severity, lint, samples_to_pass
from devperfops_operator.api.lint.outlook import COMPARED_RUNS
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from tests.api_cases import ABSENT, FIRST, JMETER, METERED, REFUSED, VALID, Refused, gate, policy, run
from tests.profiles import document


def no_names(_jmx: bytes) -> None:
    return None


def _no_plan(_jmx: bytes, _needs: frozenset[str]) -> list[str]:
    raise AssertionError("there is no plan to check")


no_plan = PlanReader(_no_plan, no_names)


def findings(*manifests: dict[str, Any]) -> list[Finding]:
    return lint([("gate.yaml", yaml.safe_dump_all(manifests, sort_keys=False))], no_plan)


def errors(*manifests: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.path, each.message) for each in findings(*manifests) if each.severity is Severity.ERROR]


def warnings(*manifests: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.path, each.message) for each in findings(*manifests) if each.severity is Severity.WARNING]


@pytest.mark.parametrize("manifest", VALID.values(), ids=VALID.keys())
def test_what_the_api_server_accepts_has_no_error(manifest: dict[str, Any]) -> None:
    assert errors(manifest) == []


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_api_server_refuses_is_found_in_the_same_field(case: Refused) -> None:
    assert [path for path, message in errors(case.manifest) if case.lint_sentence in message] == [case.field]


GATE = """\
# A gate with mistakes
apiVersion: devperfops.io/v1alpha1
kind: PerfGate
metadata: {name: front-end}
spec:
  targetRef:
    name: front-end
  load:
    jmeter:
      plan: {configMap: scenario}
      threads: fifty
      rampup: 3m
      duration: -10m
  objectives:
  - expect: p99 < 2s
  - name: errors
    expect: errors 1%
"""


def test_each_finding_names_file_line_and_field() -> None:
    found = lint([("deploy/gate.yaml", GATE)], no_plan)

    assert found == [
        Finding(
            "deploy/gate.yaml",
            11,
            "spec.load.jmeter.threads",
            "fifty is of the wrong type: write a whole number",
        ),
        Finding("deploy/gate.yaml", 12, "spec.load.jmeter.rampup", "there is no field rampup: write rampUp"),
        Finding(
            "deploy/gate.yaml",
            13,
            "spec.load.jmeter.duration",
            '"-10m" is not a duration: write for example 90s, 10m or 1h30m, or auto with maxDuration',
        ),
        Finding(
            "deploy/gate.yaml",
            17,
            "spec.objectives[1].expect",
            'expect "errors 1%", character 8: write < or <= here, for example errors < 0.5%',
        ),
    ]


@pytest.mark.parametrize(
    ("manifest", "path", "message"),
    [
        (gate({JMETER + ".threads": True}), "spec.load.jmeter.threads", "true is of the wrong type: write a whole number"),
        (gate({JMETER + ".threads": 1.5}), "spec.load.jmeter.threads", "1.5 is of the wrong type"),
        (gate({JMETER + ".duration": 600}), "spec.load.jmeter.duration", "600 is of the wrong type: write a text"),
        (gate({JMETER: None}), "spec.load.jmeter", "nothing is of the wrong type: write fields"),
        (gate({"spec.objectives": {"expect": "p99 < 2s"}}), "spec.objectives", "a group of fields is of the wrong type: write a list"),
        (gate({"spec.targetRef.kind": "StatefulSet"}), "spec.targetRef.kind", '"StatefulSet" is not possible: write Deployment'),
        (gate({"spec.actions": {"onFail": "rollback"}}), "spec.actions.onFail", "write Rollback or Hold"),
        (gate({"spec.actions": {"onInconclusive": "Pass"}}), "spec.actions.onInconclusive", "write Hold or Promote or Rollback"),
        (gate({"spec.mode": "Watch"}), "spec.mode", '"Watch" is not possible: write Enforce or Observe'),
        (gate({"spec.initial": "Trust"}), "spec.initial", "write Adopt or Test"),
        (gate({"spec.suspend": "yes"}), "spec.suspend", "write true or false"),
        (gate({FIRST: {"name": "cart"}}), "spec.objectives[0]", "write either expect, such as expect: p99 < 2s, or sloRef"),
        (gate({FIRST + ".name": "n" * 64}), "spec.objectives[0].name", "has 64 characters: write at most 63"),
        (gate({"spec.objectives": [{"expect": f"p99 < {n}s"} for n in range(1, 34)]}), "spec.objectives", "has 33 entries: write at most 32"),
        (gate({"apiVersion": "devperfops.io/v1"}), "apiVersion", '"devperfops.io/v1" does not have PerfGate: write devperfops.io/v1alpha1'),
        (gate({"kind": "PerfGates"}), "kind", "PerfGates is not a kind of devperfops.io: write PerfGate or PerfRun"),
        (gate({"metadata": {}}), "metadata.name", "is missing or not a text: write a name"),
        (run({"spec.cancelled": True}), "spec.cancelled", "there is no field cancelled: write cancel"),
        (run({"spec.x": 1}), "spec.x", "the fields here are gate, reason, cancel"),
    ],
)  # fmt: skip
def test_types_and_fields(manifest: dict[str, Any], path: str, message: str) -> None:
    found = errors(manifest)

    assert [where for where, what in found if message in what] == [path], found


def test_a_field_written_twice_is_found_at_its_second_place() -> None:
    text = GATE.replace("fifty", "50").replace("rampup: 3m", "threads: 60")

    found = lint([("gate.yaml", text)], no_plan)

    assert (
        Finding(
            "gate.yaml", 12, "spec.load.jmeter.threads", "threads is written twice: leave one of them out"
        )
        in found
    )


def test_other_kinds_are_skipped() -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"threads": 0},
    }

    assert findings(deployment, gate()) == []


def test_every_document_and_list_item_is_checked_with_its_own_line() -> None:
    text = yaml.safe_dump_all(
        [gate(), {"kind": "List", "apiVersion": "v1", "items": [gate(), run({"spec.gate": ""})]}]
    )

    found = lint([("all.yaml", text)], no_plan)

    assert [(each.path, text.splitlines()[each.line - 1].strip()) for each in found] == [
        ("spec.gate", "gate: ''")
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("kind: PerfGate\nspec: [", 2),
        ("a: b\n c: d", 2),
        ("a: &a [*a]", 1),
        ("? {a: b}\n: c", 1),
        ("a: !!int x", 1),
        ("a: !thing x", 1),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(text: str, line: int) -> None:
    (found,) = lint([("broken.yaml", text)], no_plan)

    assert (found.line, found.path) == (line, "")
    assert found.message.startswith("is not YAML: ")


@pytest.mark.parametrize(
    ("allowed", "samples"), [(Fraction(1, 100), 459), (Fraction(1, 200), 919), (Fraction(1, 1000), 4603)]
)
def test_samples_without_exceedance_that_a_pass_needs(allowed: Fraction, samples: int) -> None:
    assert samples_to_pass(allowed) == samples


def test_too_few_samples_are_told_to_the_sample() -> None:
    enough = gate(
        {
            JMETER + ".rate": "459/m",
            JMETER + ".rampUp": "1m",
            JMETER + ".duration": "2m",
            "spec.objectives": [{"expect": "p99 < 100ms"}],
        }
    )
    short = gate(
        {
            JMETER + ".rate": "458/m",
            JMETER + ".rampUp": "1m",
            JMETER + ".duration": "2m",
            "spec.objectives": [{"expect": "p99 < 100ms"}],
        }
    )

    assert warnings(enough) == []
    assert warnings(short) == [
        (
            "spec.objectives[0].expect",
            (
                "can never pass: rate x (duration - rampUp) gives 458 samples, and a share of at most 1% needs 459 "
                "even if all are good; write a longer duration or a higher rate"
            ),
        )
    ]


def test_a_history_too_short_to_compare_with_is_told() -> None:
    compared = {"spec.objectives": [{"expect": "p95 < past + 15%"}]}
    assert warnings(gate({**compared, "spec.historyLimit": COMPARED_RUNS})) == []
    (warning,) = warnings(gate({**compared, "spec.historyLimit": COMPARED_RUNS - 1}))
    assert warning[0] == "spec.objectives[0].expect"
    assert "it takes 6 earlier runs to compare with, and historyLimit keeps 5" in warning[1]
    assert COMPARED_RUNS == FEWEST_RUNS, "what is foretold is what is judged by"


def test_threads_that_would_hide_a_stall_are_told() -> None:
    (warning,) = warnings(gate({JMETER + ".threads": 99}))

    assert warning[0] == "spec.objectives[0].expect"
    assert "99 threads cannot keep the rate" in warning[1]
    assert "write threads: 100 or more" in warning[1]


def test_without_a_rate_nothing_is_foretold() -> None:
    manifest = gate({JMETER + ".threads": 1, JMETER + ".duration": "3m1s"})
    assert warnings(manifest)
    del manifest["spec"]["load"]["jmeter"]["rate"]

    assert warnings(manifest) == []


def config_map(name: str, data: dict[str, str], namespace: str | None = None) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_test_plan_in_the_files_is_checked_where_it_stands() -> None:
    asked: list[tuple[bytes, frozenset[str]]] = []

    def plan_problems(jmx: bytes, needs: frozenset[str]) -> list[str]:
        asked.append((jmx, needs))
        return ["has no enabled thread group"]

    plan = yaml.safe_dump(config_map("scenario", {"other.jmx": "no", "scenario.jmx": "<jmx/>"}))
    found = lint(
        [("gate.yaml", yaml.safe_dump(gate())), ("plan.yaml", plan)], PlanReader(plan_problems, no_names)
    )

    assert asked == [(b"<jmx/>", frozenset({"NumOfThreads", "Duration", "ServerName", "RampUp", "TPM"}))]
    line = plan.splitlines().index("  scenario.jmx: <jmx/>") + 1
    assert found == [Finding("plan.yaml", line, "data.scenario.jmx", "has no enabled thread group")]


def test_a_plan_need_not_read_what_is_not_set() -> None:
    asked: list[frozenset[str]] = []
    manifest = gate({JMETER + ".rampUp": "0s"})
    del manifest["spec"]["load"]["jmeter"]["rate"]

    lint(
        [("all.yaml", yaml.safe_dump_all([config_map("scenario", {"scenario.jmx": "x"}), manifest]))],
        PlanReader(lambda _, needs: asked.append(needs) or [], no_names),
    )

    assert asked == [frozenset({"NumOfThreads", "Duration", "ServerName"})]


def profiled(**asked: str) -> dict[str, Any]:
    jmeter = {f"{JMETER}.rate": ABSENT, f"{JMETER}.threads": ABSENT}
    return gate({**jmeter, "spec.load.profile": {"configMap": "traffic", **asked}})


def test_a_load_profile_is_held_against_the_gate_that_names_it() -> None:
    sound = yaml.safe_dump(document())
    assert errors(profiled(), config_map("traffic", {"profile.yaml": sound})) == []
    assert errors(profiled(season="sale"), config_map("traffic", {"profile.yaml": sound})) == []
    assert errors(profiled(season="summer"), config_map("traffic", {"profile.yaml": sound})) == [
        ("spec.load.profile.season", 'profile.yaml has no season "summer": its seasons are sale, easter')
    ]
    assert errors(profiled(key="p.yaml"), config_map("traffic", {"profile.yaml": sound})) == [
        ("spec.load.profile.key", "ConfigMap traffic has no key p.yaml: its keys are profile.yaml")
    ]
    negative = yaml.safe_dump({**document(), "spec": {**document()["spec"], "usual": -1}})
    ((path, message),) = errors(profiled(), config_map("traffic", {"profile.yaml": negative}))
    assert path == "data.profile.yaml"
    assert 'spec.usual: "-1.0" is not a number above 0' in message


SLOS = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: cart}
spec: {service: cart, objectives: [{op: lte, value: 0.3, target: 0.99}, {op: lte, value: 2, target: 0.999}]}
"""


@pytest.mark.parametrize(
    ("ref", "path", "message"),
    [
        ({"target": "99%"}, "", ""),
        ({}, "", "slos.yaml: SLO cart has objectives of 99%, 99.9%; name one of them by sloRef.target"),
        ({"slo": "shop"}, "", "slos.yaml has no SLO shop (there are: cart); set sloRef.slo"),
        ({"key": "a.yaml"}, ".key", "ConfigMap slos has no key a.yaml: its keys are slos.yaml"),
    ],
)
def test_slos_are_held_against_the_objectives_that_refer_to_them(
    ref: dict[str, str], path: str, message: str
) -> None:
    manifest = gate({FIRST: {"sloRef": {"configMap": "slos", "slo": "cart", **ref}}})
    expected = [(f"spec.objectives[0].sloRef{path}", message)] if message else []
    assert errors(manifest, config_map("slos", {"slos.yaml": SLOS})) == expected


def test_a_missing_key_is_found_at_the_gate() -> None:
    assert errors(gate(), config_map("scenario", {"plan.jmx": "x"})) == [
        ("spec.load.jmeter.plan.key", "ConfigMap scenario has no key scenario.jmx: its keys are plan.jmx")
    ]


def test_a_plan_must_read_the_properties_as_the_gate_names_them() -> None:
    needed: set[str] = set()

    def plan_problems(_: bytes, needs: frozenset[str]) -> list[str]:
        needed.update(needs)
        return []

    manifest = gate({f"{JMETER}.propertyNames": {"threads": "users"}, "spec.load.target": {"port": 8080}})
    lint(
        [("gate.yaml", yaml.safe_dump_all([manifest, config_map("scenario", {"scenario.jmx": "x"})]))],
        PlanReader(plan_problems, no_names),
    )

    assert needed == {"users", "RampUp", "Duration", "TPM", "ServerName", "ServerPort"}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"GET /cart": 1}, []),
        (None, []),
        (
            {"GET /carts": 1, "checkout": 1},
            [
                (
                    'the plan has no enabled sampler or Transaction Controller called "GET /cart", '
                    "so there will be nothing to judge: write one of its names, such as GET /carts"
                )
            ],
        ),
        (
            {"GET /cart": 2},
            [
                (
                    'the plan has a sampler and a Transaction Controller called "GET /cart", '
                    "so its requests count twice: give one of them another name"
                )
            ],
        ),
    ],
)
def test_a_transaction_that_the_plan_does_not_have_or_has_twice_is_told(names, told) -> None:
    manifest = gate({f"{FIRST}.transaction": "GET /cart"})
    text = yaml.safe_dump_all([manifest, config_map("scenario", {"scenario.jmx": "x"})])
    found = lint([("gate.yaml", text)], PlanReader(lambda _jmx, _needs: [], lambda _jmx: names))
    assert [each.message for each in found] == told
    assert {(each.path, each.severity) for each in found} <= {
        ("spec.objectives[0].transaction", Severity.WARNING)
    }


@pytest.mark.parametrize("names", [{"Add to cart": 1, "Front page": 1}, None, {"Add to the cart": 1}])
def test_a_label_of_the_coverage_that_no_sampler_has_is_told(names) -> None:
    labels = [{"label": "Add to cart", "endpoint": "POST /cart"}]
    profile = {"load.profile": {"configMap": "traffic"}}
    manifest = gate(
        {f"spec.{key}": value for key, value in {**profile, "coverage": {"labels": labels}}.items()}
    )
    for written in ("rate", "threads"):
        manifest["spec"]["load"]["jmeter"].pop(written, None)
    text = yaml.safe_dump_all([manifest, config_map("scenario", {"scenario.jmx": "x"})])
    found = lint([("gate.yaml", text)], PlanReader(lambda _jmx, _needs: [], lambda _jmx: names))
    if names is None or "Add to cart" in names:
        assert found == []
        return
    (told,) = found
    assert (told.path, told.severity) == ("spec.coverage.labels[0].label", Severity.WARNING)
    assert told.message == (
        'the plan has no enabled sampler called "Add to cart", so no request counts for POST /cart: '
        "write one of its names, such as Add to the cart"
    )


def test_a_config_map_of_another_namespace_or_name_is_not_the_plan() -> None:
    assert findings(gate(), config_map("scenario", {}, namespace="other"), config_map("other", {})) == []


def test_a_number_with_an_exponent_is_no_text_though_it_has_no_point() -> None:
    text = json.dumps(gate({f"{JMETER}.properties": {"Pause": 1e-06}}))
    (found,) = lint([("gate.json", text)], PlanReader(lambda _jmx, _needs: [], no_names))
    assert "1e-06 is of the wrong type" in found.message


def test_letters_that_json_writes_as_two_escapes_are_letters() -> None:
    (found,) = lint([("gate.json", json.dumps(gate({"spec.mode": "\U00010000 \ud800"})))], no_plan)
    assert found.message == '"\U00010000 \ufffd" is not possible: write Enforce or Observe'


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    "apiVersion", "kind", "metadata", "metadata.name", "spec", "spec.targetRef", "spec.targetRef.name", "spec.load",
    JMETER, JMETER + ".plan", JMETER + ".plan.key", JMETER + ".threads", JMETER + ".rampUp", JMETER + ".duration",
    JMETER + ".rate", JMETER + ".properties", JMETER + ".propertyNames", "spec.load.target", "spec.objectives", FIRST, FIRST + ".expect", FIRST + ".name", FIRST + ".good", FIRST + ".transaction", FIRST + ".critical", FIRST + ".origin", "spec.prometheus",
    "spec.triggers", "spec.actions", "status", JMETER + ".image", JMETER + ".command", JMETER + ".resources",
    JMETER + ".nodeSelector", JMETER + ".tolerations", JMETER + ".imagePullSecrets", JMETER + ".labels",
]  # fmt: skip


def without_nulls(value: Any) -> Any:
    """As the API server stores it: a null gives way to the default."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@given(st.sampled_from(PATHS), json_values)
def test_whatever_stands_in_a_field_lint_answers_and_the_model_reads_what_it_accepts(
    path: str, value: Any
) -> None:
    manifest = gate({path: value})
    text = json.dumps(manifest, indent=1)

    found = lint([("gate.json", text)], PlanReader(lambda _jmx, _needs: [], no_names))

    assert all(1 <= each.line <= len(text.splitlines()) for each in found)
    if not found and path not in {"kind", "metadata", "metadata.name", "status"}:
        stored = json.loads(text)
        stored["metadata"]["namespace"] = "shop"
        assert PerfGate.from_json(without_nulls(stored)).spec.objectives


@given(json_values)
def test_any_document_gets_an_answer(value: Any) -> None:
    lint([("any.json", json.dumps(value))], no_plan)


def test_a_sound_run_reads_back() -> None:
    manifest = run({"metadata.namespace": "shop"})

    assert errors(manifest) == []
    assert PerfRun.from_json(manifest).to_json()["spec"] == {**manifest["spec"], "cancel": False}


LOAD_PROFILE = """\
apiVersion: devperfops.io/v1alpha1
kind: LoadProfile
metadata: {name: shop}
spec:
  origin:
    prometheus: http://127.0.0.1:9090
    names: generic
    requests: http_requests_total
    by: [method, route]
    from: 2026-05-04T00:00:00Z
    to: 2026-06-01T00:00:00Z
    madeAt: 2026-06-01T00:10:00Z
  data: {hours: 672, known: 672, gaps: 0, newest: 2026-06-01T00:00:00Z}
  usual: 10
  peak: {day: Fri, hour: 12, rate: 20, least: 19, most: 21, weeks: 4}
  endpoints:
  - method: GET
    route: /
    requests: 1000
    peak: {rate: 15, share: 0.75}
    usual: {rate: 7.5, share: 0.75}
  - method: POST
    route: /orders
    requests: 300
    peak: {rate: 5, share: 0.25}
    usual: {rate: 2.5, share: 0.25}
"""


def test_a_load_profile_is_checked():
    assert lint([("profile.yaml", LOAD_PROFILE)], no_plan) == []


@pytest.mark.parametrize(
    ("was", "written", "line", "path", "says"),
    [
        ("day: Fri", "day: Friday", 15, "spec.peak.day", "is none of"),
        ("usual: 10", "usual: -1", 14, "spec.usual", "is not a number above 0"),
        ("peak: {rate: 15, share: 0.75}", "peak: {rate: 15, share: 0.5}", 4, "spec", "must make 1"),
        ("weeks: 4}", "weeks: 4, zone: UTC}", 15, "spec.peak.zone", "there is no such field"),
        ("known: 672", "known: 700", 4, "spec", "data.known is more than data.hours"),
    ],
)
def test_what_is_wrong_in_a_load_profile_is_told_with_its_line(
    was: str, written: str, line: int, path: str, says: str
):
    (found,) = lint([("profile.yaml", LOAD_PROFILE.replace(was, written))], no_plan)
    assert (found.line, found.path) == (line, path)
    assert says in found.message


def test_a_policy_that_a_gate_names_can_be_read_by_an_operator() -> None:
    named = gate({"spec.quota": {"policy": "january"}})
    from_google = policy(
        {"spec.serving": {"name": "production", "google": {"project": "p"}}, "spec.configMap": ABSENT}
    )
    assert errors(from_google) == [], "for the command it is sound"
    assert errors(named, policy()) == []
    assert [path for path, _ in errors(named, from_google)] == ["spec", "spec.serving"]
    assert (
        "the operator reads files only, and environment production is none"
        in errors(named, from_google)[1][1]
    )
    elsewhere = {**from_google, "metadata": {"name": "january", "namespace": "other"}}
    assert errors(named, elsewhere) == []


WATCHED = {
    "spec.load": ABSENT,
    "spec.live": {"duration": "10m"},
    "spec.prometheus": "monitoring",
    "spec.objectives": [{"expect": "good >= 99%", "good": "good_total", "total": "all_total"}],
}


@pytest.mark.parametrize(
    ("changes", "requests", "told"),
    [
        ({}, {}, ["write prometheus in the gate"]),
        ({"spec.prometheus": "monitoring"}, {}, []),
        (WATCHED, {}, ["it has no load, so write consumption.requests"]),
        (WATCHED, {"requests": "requests_total"}, []),
    ],
)
def test_a_gate_whose_runs_cannot_measure_what_its_policy_asks_is_named(
    changes: dict[str, Any], requests: dict[str, str], told: list[str]
) -> None:
    asking = policy({"spec.consumption": {"metered": [METERED], **requests}})
    named = gate({"spec.quota": {"policy": "january"}, **changes})
    found = [message for path, message in warnings(named, asking) if path == "spec.consumption"]
    assert len(found) == len(told)
    assert all(words in message for words, message in zip(told, found, strict=True))
    assert [path for path, _ in warnings(asking)] == []
