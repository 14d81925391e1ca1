from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import click

from devperfops_operator.api.perfrun import PerfRun, Verdict
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.console import show, stdout
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.gatefile import gate_spec, load_plan
from devperfops_operator.cli.history import runs_of
from devperfops_operator.cli.options import Percent, on_cluster
from devperfops_operator.cli.records import expect_load, usable
from devperfops_operator.cli.render.proof import Proof, proof_document, proof_screen
from devperfops_operator.domain.blindness import blind_spots
from devperfops_operator.domain.verdict import UNSPOILT
from devperfops_operator.evidence.injection import Injection
from devperfops_operator.evidence.proof import provable, prove

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_USUAL = (
    Injection(delay=Fraction(20, 100)),
    Injection(delay=Fraction(50, 100)),
    Injection(delay=Fraction(100, 100)),
    Injection(errors=Fraction(1, 100)),
    Injection(errors=Fraction(2, 100)),
)


@click.command("prove")
@click.argument("gate")
@click.option(
    "--delay", "delays", type=Percent(most=1000), multiple=True, help="Every sample takes so much longer."
)
@click.option(
    "--errors", "errors", type=Percent(most=99), multiple=True, help="So many of the samples fail besides."
)
@click.option("-f", "--file", type=_FILE, help="The gate as it would be; default: as it is now.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@on_cluster
def command(
    cluster: Cluster,
    gate: str,
    delays: tuple[Fraction, ...],
    errors: tuple[Fraction, ...],
    file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Tell what a gate would catch, before any release.

    Puts delays and errors into the gate's own past runs in which nothing was found wrong, and judges them by
    the code that judges live runs. Both options may be given more than once; without them: delays of 20%,
    50% and 100%, errors of 1% and 2%.
    """
    found = cluster.get(GATES, gate)
    spec = found.spec if file is None else gate_spec(file, gate)
    expect_load(gate, spec)
    runs = runs_of(cluster, found)
    plan = load_plan(gate, spec, runs)
    tried = provable(plan)
    if not tried.critical_objectives:
        raise Trouble(
            f"gate {gate} has no critical objective on its own samples; runs keep nothing of what Prometheus "
            "told, nor of a baseline."
        )
    wanted = [*(Injection(delay=each) for each in delays), *(Injection(errors=each) for each in errors)]
    sound = [run for run in runs if _sound(run)]
    past = usable(cluster, gate, sound, "in which nothing was found wrong")
    records = [record for _, record in past]
    proof = Proof(
        gate=gate,
        past=[run.metadata.name for run, _ in past],
        judged=plan.judged,
        unchanged=prove(records, tried, Injection()),
        injected=[prove(records, tried, injection) for injection in wanted or _USUAL],
        blind=blind_spots(records, tried),
        untried=[o.claim for o in plan.objectives if o not in tried.objectives],
    )
    if as_json:
        click.echo(json.dumps(proof_document(proof), indent=2, ensure_ascii=False))
    else:
        show(stdout(), proof_screen(proof))


def _sound(run: PerfRun) -> bool:
    """Runs that only lacked evidence are taken too: without them the past would look better than it was."""
    status = run.status
    return status.verdict is Verdict.PASS or status.reason in UNSPOILT
