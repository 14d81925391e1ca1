"""Where the load comes from and what it takes along: volumes, Secrets, plugins, workers with lines of their own."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hack.demo import sample
from hack.kube import Object
from tests.e2e.arena import APP, Arena, outcome

CLAIM = "files"
USERS = [f"user-{number}" for number in range(7)]
KEY = "tell-nobody"
CSV = """
        <CSVDataSet guiclass="TestBeanGUI" testclass="CSVDataSet" testname="Users">
          <stringProp name="filename">${__P(DataDir)}/users.csv</stringProp>
          <stringProp name="delimiter">,</stringProp>
          <boolProp name="ignoreFirstLine">true</boolProp>
          <stringProp name="variableNames">user</stringProp>
          <boolProp name="recycle">true</boolProp>
          <boolProp name="stopThread">false</boolProp>
          <stringProp name="shareMode">shareMode.all</stringProp>
        </CSVDataSet>
        <hashTree/>
"""


@dataclass(frozen=True)
class Volume:
    """A folder of this machine as a PersistentVolume: the local cluster has no provisioner."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_text(text)
        path.chmod(0o644)


@pytest.fixture
def volume(arena: Arena, tmp_path: Path) -> Iterator[Volume]:
    folder = tmp_path / "volume"
    folder.mkdir()
    name = f"{arena.namespace}-{CLAIM}"
    arena.kube.apply([_volume(name, arena.namespace, folder), _claim(name, arena.namespace)])
    yield Volume(folder)
    arena.kube.delete("PersistentVolume", name)


def test_two_workers_load_with_lines_of_their_own(arena: Arena, volume: Volume):
    """The target says who asked for what: no line is played by two workers, and all are played."""
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    arena.kube.patch("Namespace", arena.namespace, None, {"metadata": {"labels": restricted}})
    scenario = _scenario(
        arena, "/?user=${user}&amp;key=${__P(api.key)}", NumOfThreads="users", ServerName="shop"
    )
    volume.write("shop/scenario.jmx", scenario)
    lines = "\n".join(["name", *USERS])
    arena.kube.apply(
        [
            _config_map(arena, "people", data={"users.csv": lines, "words.txt": "none"}),
            _config_map(arena, "plugins", binaryData={"empty.jar": _jar()}),
            _secret(arena),
        ]
    )
    arena.gate_manifest["spec"]["load"] |= {
        "workers": 2,
        "target": {"host": f"{APP}.{arena.namespace}.svc", "port": 80},
    }
    arena.gate_manifest["spec"]["load"]["jmeter"] |= {
        "plan": {"pvc": CLAIM, "key": "shop/scenario.jmx"},
        "propertyNames": {"threads": "users", "host": "shop"},
        "properties": {"Locale": "ja"},
        "propertiesFrom": [{"secret": "login"}],
        "data": {"configMap": "people", "shards": [{"file": "users.csv", "header": True}]},
        "plugins": {"configMap": "plugins"},
        "image": arena.images["jmeter"],
        "command": ["java", "-Duser.home=/tmp", "-jar", "/opt/jmeter/bin/ApacheJMeter.jar"],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "768Mi"}},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "labels": {"team": "shop"},
        "annotations": {"example.com/cost-center": "42"},
    }
    arena.start()
    arena.release("2", "--level=debug")
    run = arena.wait_for_end()

    assert outcome(run) == ("Completed", "Pass", "ObjectivesMet"), run["status"].get("message")
    pods = arena.kube.list("Pod", arena.namespace, f"devperfops.io/run={run['metadata']['name']},team=shop")
    assert len(pods) == 2
    played = _played(arena)
    parts = [played[pod["status"]["podIP"]] for pod in pods]
    assert sorted(map(sorted, parts)) == [USERS[0::2], USERS[1::2]]
    for pod in pods:
        log = arena.kube.logs(pod, "jmeter") + arena.kube.logs(pod, "prepare") + arena.kube.logs(pod, "agent")
        assert KEY not in log + str(pod["spec"])


def test_what_only_the_pods_can_see_ends_the_run_with_a_sentence(arena: Arena, volume: Volume):
    """One after the other, as somebody would mend it."""
    arena.gate_manifest["spec"]["load"]["workers"] = 2
    arena.gate_manifest["spec"]["load"]["jmeter"] |= {
        "plan": {"pvc": CLAIM},
        "propertiesFrom": [{"secret": "login"}],
        "data": {"pvc": CLAIM, "shards": [{"file": "users.csv"}]},
    }
    arena.start()

    def refused(number: int) -> tuple[str, str]:
        arena.manual_run(f"try-{number}")
        run = arena.wait_for_end(number=number)
        assert outcome(run)[:2] == ("Completed", "Error")
        return run["status"]["reason"], run["status"]["message"]

    assert refused(1) == (
        "PlanNotFound",
        "PersistentVolumeClaim files has no file scenario.jmx; set plan.key",
    )
    volume.write("scenario.jmx", sample.only(arena.app, "ConfigMap")["data"]["scenario.jmx"])
    reason, message = refused(2)
    assert reason == "PlanInvalid"
    assert "scenario.jmx in PersistentVolumeClaim files never reads the property DataDir" in message
    volume.write("scenario.jmx", _scenario(arena, "/"))
    assert refused(3)[0] == "SecretNotFound"
    arena.kube.apply([_secret(arena)])
    assert refused(4)[0] == "DataNotFound"
    volume.write("users.csv", "user-0\n")
    reason, message = refused(5)
    assert reason == "DataInvalid"
    assert "users.csv in PersistentVolumeClaim files has lines for 1 of 2 workers" in message
    arena.wait_for_no_load()


def _scenario(arena: Arena, path: str, **renamed: str) -> str:
    """The sample's plan, with users from a file."""
    text: str = sample.only(arena.app, "ConfigMap")["data"]["scenario.jmx"]
    sampler = "        <HTTPSamplerProxy"
    assert text.count(sampler) == 1
    text = text.replace(sampler, CSV + sampler).replace(
        '<stringProp name="HTTPSampler.path">/<', f'<stringProp name="HTTPSampler.path">{path}<'
    )
    for old, new in renamed.items():
        text = text.replace(f"__P({old}", f"__P({new}")
    return text


def _played(arena: Arena) -> dict[str, set[str]]:
    """By the address that asked: the users the target has seen."""
    played: dict[str, set[str]] = {}
    for pod in arena.kube.list("Pod", arena.namespace, f"app={APP}"):
        for line in arena.kube.logs(pod, APP).splitlines():
            user = re.search(rf'"uri":"/\?user=([^&"]+)(?:&|\\u0026)key={KEY}"', line)
            asked = re.search(r'"remote":"([^":]+):', line)
            if user and asked:
                played.setdefault(asked[1], set()).add(user[1])
    return played


def _config_map(arena: Arena, name: str, **content: dict[str, str]) -> Object:
    metadata = {"name": name, "namespace": arena.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **content}


def _secret(arena: Arena) -> Object:
    metadata = {"name": "login", "namespace": arena.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"api.key": KEY}}


def _jar() -> str:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    return base64.b64encode(content.getvalue()).decode()


def _volume(name: str, namespace: str, folder: Path) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "capacity": {"storage": "1Mi"},
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": CLAIM},
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }


def _claim(volume: str, namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "resources": {"requests": {"storage": "1Mi"}},
            "storageClassName": "",
            "volumeName": volume,
        },
    }
