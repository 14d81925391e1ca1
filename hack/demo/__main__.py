"""python3 -m hack.demo [shop|down]"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kubernetes.client.exceptions import ApiException
from rich.console import Console
from rich.markup import escape
from urllib3.exceptions import HTTPError

from hack.cluster.errors import ClusterError
from hack.cluster.settings import CHECKOUT
from hack.demo import production, report, sample, setup
from hack.demo.errors import DemoFailed
from hack.demo.sample import PODINFO, SHOP, Sample
from hack.demo.setup import Choice
from hack.demo.story import Story
from hack.demo.timeline import Timeline
from hack.kube import Kube, KubeError


def main(arguments: list[str]) -> int:
    """0: everything happened as told; 1: something did not, and the text says what; 130: interrupted."""
    timeline = Timeline(Console(log_path=False))
    try:
        if arguments == ["down"]:
            down(setup.chosen_cluster(os.environ), timeline)
        else:
            played = SHOP if arguments == ["shop"] else PODINFO
            demo(Choice.from_environment(os.environ), timeline, played)
    except (DemoFailed, KubeError, ClusterError, ApiException, HTTPError) as error:
        timeline.tell(f"[bold red]Not as told:[/] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        timeline.tell("interrupted; `make demo` begins again, `make demo-down` removes what is there")
        return 130
    return 0


def demo(choice: Choice, timeline: Timeline, played: Sample) -> None:
    """From nothing to gated releases."""
    timeline.chapter("Set up")
    with timeline.step(
        "a Kubernetes cluster" if choice.kubeconfig is None else f"the cluster of {choice.kubeconfig}"
    ):
        kube = _cluster(choice.kubeconfig)
    # By kubectl: whoever lacks it is told now, not after minutes of builds.
    app = sample.shop() if played is SHOP else sample.podinfo()
    with timeline.step(f"images: operator (also the agent), jmeter, {', '.join(played.images)}"):
        images = setup.provide_images(choice, played.images)
    with timeline.step(f"nothing left of an earlier demo in {sample.NAMESPACE} and {sample.MONITORING}"):
        setup.remove(kube)
    with timeline.step(f"CRDs, and the operator in {setup.SYSTEM}"):
        setup.install_operator(kube, images)
    with timeline.step(f"Prometheus in {sample.MONITORING}"):
        setup.install_prometheus(kube, images, played)
    if played is SHOP:
        production.tell(kube, timeline)
    runs = Story(kube, timeline, setup.with_images(app, images), sample=played).tell()
    _farewell(kube, timeline, played, report.write(kube, runs, CHECKOUT / "build/demo"))
    _ways_out(choice.kubeconfig, timeline)


def down(kubeconfig: Path | None, timeline: Timeline) -> None:
    """Remove everything the demo made in the cluster; the cluster itself stays."""
    kube = _cluster(kubeconfig)
    with timeline.step("remove the demo's namespaces, the operator and its CRDs"):
        setup.remove(kube)
        setup.uninstall_operator(kube)


def _cluster(kubeconfig: Path | None) -> Kube:
    kube = setup.start_cluster(kubeconfig)
    if kubeconfig:
        setup.refuse_other_operators(kube)
    return kube


def _farewell(kube: Kube, timeline: Timeline, played: Sample, files: list[Path]) -> None:
    timeline.chapter("All of it happened as told")
    timeline.tell("Reports of the runs:")
    for each in files:
        timeline.tell(f"  {each.relative_to(CHECKOUT)}")
    timeline.tell(
        f"Left running: the cluster, the operator, Prometheus, {played.app} {played.last} with its gate. "
        "Look around:"
    )
    timeline.tell(f"  export KUBECONFIG={kube.kubeconfig}")
    timeline.tell(f"  .venv/bin/devperfops get -n {sample.NAMESPACE}")
    timeline.tell(f"  .venv/bin/devperfops run {played.app} -n {sample.NAMESPACE}")


def _ways_out(kubeconfig: Path | None, timeline: Timeline) -> None:
    if kubeconfig:
        timeline.tell(f"Remove it: [bold]KUBECONFIG={kubeconfig} make demo-down[/]")
    else:
        timeline.tell("Remove it: [bold]make demo-down[/]")
        timeline.tell("Stop the local cluster: [bold]make stop[/]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
