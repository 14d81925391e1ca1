"""Plugins and properties from Secrets with a real JMeter, started with the arguments of the Job's pod."""

from __future__ import annotations

import asyncio
import csv
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devperfops_operator.wire.brief import Inputs
from devperfops_operator.wire.layout import PRIVATE_PROPERTIES, ROOT
from hack import jmeter
from tests.api_cases import JMETER, gate
from tests.conftest import require_layer
from tests.integration.test_agent_with_jmeter import operator
from tests.integration.test_load_pod import job_of
from tests.unit.agent.played import PLAN, PlayedOperator, Worker, brief, ended

__all__ = ["operator"]

pytestmark = pytest.mark.integration

PASSWORD = "s=cret: ö\\n#"
SAMPLER = """
package org.example;

import org.apache.jmeter.config.Arguments;
import org.apache.jmeter.protocol.java.sampler.AbstractJavaSamplerClient;
import org.apache.jmeter.protocol.java.sampler.JavaSamplerContext;
import org.apache.jmeter.samplers.SampleResult;

public class Whisper extends AbstractJavaSamplerClient {
    @Override
    public Arguments getDefaultParameters() {
        Arguments arguments = new Arguments();
        arguments.addArgument("said", "");
        return arguments;
    }

    @Override
    public SampleResult runTest(JavaSamplerContext context) {
        SampleResult result = new SampleResult();
        result.sampleStart();
        result.setSuccessful(context.getParameter("said").equals("s=cret: \\u00f6\\\\n#"));
        result.sampleEnd();
        return result;
    }
}
"""
SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2" properties="5.0" jmeter="5.6.3"><hashTree>
  <TestPlan guiclass="TestPlanGui" testclass="TestPlan" testname="whispers" enabled="true"/>
  <hashTree>
    <ThreadGroup guiclass="ThreadGroupGui" testclass="ThreadGroup" testname="people" enabled="true">
      <stringProp name="ThreadGroup.num_threads">${__P(NumOfThreads)}</stringProp>
      <elementProp name="ThreadGroup.main_controller" elementType="LoopController" testclass="LoopController">
        <boolProp name="LoopController.continue_forever">false</boolProp>
        <stringProp name="LoopController.loops">5</stringProp>
      </elementProp>
    </ThreadGroup>
    <hashTree>
      <JavaSampler guiclass="JavaTestSamplerGui" testclass="JavaSampler" testname="whisper" enabled="true">
        <elementProp name="arguments" elementType="Arguments" testclass="Arguments">
          <collectionProp name="Arguments.arguments">
            <elementProp name="said" elementType="Argument">
              <stringProp name="Argument.name">said</stringProp>
              <stringProp name="Argument.value">${__P(password)}</stringProp>
              <stringProp name="Argument.metadata">=</stringProp>
            </elementProp>
          </collectionProp>
        </elementProp>
        <stringProp name="classname">org.example.Whisper</stringProp>
      </JavaSampler>
      <hashTree/>
    </hashTree>
  </hashTree>
</hashTree></jmeterTestPlan>
"""


@pytest.fixture(scope="module")
def home() -> Path:
    require_layer("JMeter", jmeter.problem())
    missing = [program for program in ("javac", "jar") if shutil.which(program) is None]
    require_layer("JDK", f"{missing} not found; install openjdk-17-jdk-headless" if missing else None)
    return jmeter.ensure()


@pytest.fixture
def plugin(home: Path, tmp_path: Path) -> bytes:
    """A JAR with a sampler that succeeds when it is told the password."""
    source, classes, jar = tmp_path / "Whisper.java", tmp_path / "classes", tmp_path / "whisper.jar"
    source.write_text(SAMPLER)
    compiler = (
        "javac",
        "-cp",
        f"{home}/lib/*:{home}/lib/ext/*",
        "-proc:none",
        "-d",
        str(classes),
        str(source),
    )
    for command in (compiler, ("jar", "--create", "--file", str(jar), "-C", str(classes), ".")):
        subprocess.run(command, check=True, capture_output=True)
    return jar.read_bytes()


@pytest.fixture
async def worker(tmp_path: Path, operator: PlayedOperator) -> AsyncIterator[Worker]:
    """A pod whose Secret says more than it may."""
    worker = Worker(tmp_path, brief(operator.url, NumOfThreads="2", search_paths=str(tmp_path / "plugins")))
    worker.results.mkdir()
    (tmp_path / "private").mkdir()
    worker.token.write_text("sesame")
    worker.give("plan", PLAN, SCENARIO.encode())
    worker.give("secrets/login", "password", PASSWORD.encode())
    worker.give("secrets/login", "NumOfThreads", b"7")
    worker.give("secrets/login/..2026", "old", b"")
    inputs = Inputs(
        PLAN,
        "ConfigMap scenario",
        ("NumOfThreads",),
        secrets=("login",),
        plugins_source="ConfigMap plugins",
    )
    object.__setattr__(worker.brief, "inputs", inputs)
    yield worker
    await worker.close()


def arguments(folder: Path) -> list[str]:
    options: dict[str, Any] = {
        f"{JMETER}.propertiesFrom": [{"secret": "login"}],
        f"{JMETER}.plugins": {"configMap": "plugins"},
    }
    (container,) = job_of(gate(options), "shop")["spec"]["template"]["spec"]["containers"]
    return [argument.replace(ROOT, str(folder)) for argument in container["args"]]


@pytest.mark.timeout(120)
async def test_a_plugin_gets_a_secret_that_is_told_nowhere(
    home: Path, plugin: bytes, operator: PlayedOperator, worker: Worker
) -> None:
    worker.give("plugins", "whisper.jar", plugin)
    operator.start_in_ms = 0
    assert await ended(await worker.run("prepare")) == 0, worker.said
    load = await asyncio.create_subprocess_exec(
        *("java", "-Xmx256m", "-jar", str(jmeter.jar(home)), *arguments(worker.folder)),
        cwd=worker.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    worker.processes.append(load)
    printed, _ = await load.communicate()

    with (worker.results / "run.jtl").open() as jtl:
        rows = list(csv.DictReader(jtl))
    assert [row["success"] for row in rows] == ["true"] * 10, "two threads, as the gate says, five times"
    private = worker.folder / "private" / PRIVATE_PROPERTIES
    assert private.stat().st_mode & 0o777 == 0o600
    told = [worker.said, printed.decode(), worker.brief.to_json()]
    told += [path.read_text() for path in worker.results.iterdir()]
    assert not any("cret" in text.replace("secret", "") for text in told)
