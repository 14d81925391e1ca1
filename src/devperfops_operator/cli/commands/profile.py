from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from devperfops_operator.adapters.prometheus import PrometheusMetrics
from devperfops_operator.analysis.series import SeriesError
from devperfops_operator.api.load import PROFILE_KEY
from devperfops_operator.api.load_profile import LoadProfile
from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.console import show, stderr, stdout, unfolded
from devperfops_operator.cli.errors import ExitCode, Trouble
from devperfops_operator.cli.load_profile.asking import Advance, Window, find, rate, traffic, within
from devperfops_operator.cli.load_profile.files import read_windows
from devperfops_operator.cli.load_profile.logs import with_sessions
from devperfops_operator.cli.load_profile.source import Options, Source, source_of, zone_of
from devperfops_operator.cli.prometheus import with_access
from devperfops_operator.cli.render.load_profile import doubts_text, profile_screen, profile_text
from devperfops_operator.domain.errors import DevPerfOpsError
from devperfops_operator.domain.load_profile.making import Asked, make, peak_hours
from devperfops_operator.domain.load_profile.naming import without
from devperfops_operator.domain.load_profile.traffic import PROBES

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TIMEOUT_S: Final = 120  # as Prometheus has it itself
_MOST_WEEKS: Final = 106


@click.command("profile")
@click.argument("url", metavar="[PROMETHEUS-URL]", required=False)
@click.option("--gate", metavar="GATE", help="Take counter, labels and weeks from its spec.coverage.")
@click.option("--requests", metavar="COUNTER", help="NAME or NAME{...}; default: found out.")
@click.option("--durations", metavar="NAME", help="Histogram or summary of their times, without _sum.")
@click.option("--by", metavar="LABELS", help="Labels of an endpoint: method,route.")
@click.option("--match", "matchers", metavar="MATCHER", multiple=True, help='Only these: namespace="shop".')
@click.option(
    "--exclude", "excluded", metavar="MATCHER", multiple=True, help='Not these: user_agent=~"k6.*".'
)
@click.option(
    "--probe",
    "probes",
    metavar="ROUTE",
    multiple=True,
    default=PROBES,
    show_default=True,
    help="Asked by machines, not users.",
)
@click.option("--weeks", type=click.IntRange(1, _MOST_WEEKS), help="How far back; default: 4, or the gate's.")
@click.option("--time-zone", "zone", default="UTC", show_default=True, help="Of the hours of the week.")
@click.option("--seasons", type=_FILE, metavar="FILE", help="Named days of the year.")
@click.option(
    "--access-log", "logs", type=_FILE, metavar="FILE", multiple=True, help="For sequences and think times."
)
@click.option("--name", help="Of the profile; default: traffic, or the gate's.")
@with_access
@click.option(
    "-o", "--output", type=click.Choice(["text", "yaml", "json"]), default="text", show_default=True
)
@click.option(
    "--config-map", metavar="NAME", help="Write it there, as profile.yaml, for the load.profile of gates."
)
@click.option("--accept-doubts", is_flag=True, help="Write one that is thin or stale, too.")
@click.option(
    "-n", "--namespace", metavar="NS", help="Of the gate and the ConfigMap; default: the context's."
)
@click.option("--context", metavar="NAME", help="Context of the kubeconfig; default: the current one.")
@click.option("--kubeconfig", metavar="FILE", envvar="KUBECONFIG", help="Default: as kubectl.")
def command(**given: Any) -> int:
    """Make a load profile from everyday monitoring.

    Asks Prometheus how often each endpoint was called in the past weeks, and how long it took: arrival rates,
    their mix, requests in flight, the busiest hour of the week, growth. Whose names of metrics there are is
    found out. -o yaml writes the document, --config-map writes it where a gate's load.profile reads it.

    Exit code: 0 made (doubts about its data are told on stderr), 2 it cannot be made, or is not written.
    """
    options = Options(**given)
    try:
        profile, why = asyncio.run(_profile(options, source_of(options)))
    except (DevPerfOpsError, SeriesError) as error:
        raise Trouble(f"{error}.") from error
    click.echo(why, err=True)
    profile = with_sessions(profile, options.logs)
    if options.output == "text":
        show(unfolded(stdout()), profile_screen(profile))
    else:
        click.echo(profile_text(profile, options.output), nl=False)
    if profile.spec.data.doubts:
        show(stderr(), doubts_text(profile.spec.data.doubts))
    if options.config_map is not None:
        _keep(options, profile, options.config_map)
    return ExitCode.PASS


def _keep(options: Options, profile: LoadProfile, config_map: str) -> None:
    """A profile that gates would refuse does not take the place of one that they play."""
    cluster = Cluster.connect(options.kubeconfig, options.context, options.namespace)
    place = f"ConfigMap {config_map} in namespace {cluster.namespace}"
    if profile.spec.data.doubts and not options.accept_doubts:
        raise Trouble(f"{place} was left as it is (--accept-doubts writes this profile all the same).")
    cluster.apply_config_map(config_map, {PROFILE_KEY: profile_text(profile, "yaml")})
    click.echo(f"{PROFILE_KEY} in {place} is written.", err=True)


async def _profile(options: Options, source: Source) -> tuple[LoadProfile, str]:
    """And why this counter was taken."""
    server = urlsplit(source.server.url).netloc
    metrics = PrometheusMetrics({server: source.server}, timeout_s=_TIMEOUT_S)
    now, zone, seasons = datetime.now(UTC), zone_of(options), read_windows(options.seasons)
    window = Window.before(now, source.weeks)
    choice = source.choice or await find(metrics, server, options.matchers, window)
    naming = choice.naming
    users = without(naming, options.excluded)
    with _progress(len(window.days)) as advance:
        found = await traffic(metrics, server, users, window, advance)
    hours = peak_hours(found, options.probes, zone)
    inside = await within(metrics, server, users, options.probes, hours)
    asked = Asked(
        name=source.name,
        prometheus=source.server.url,
        naming=users,
        first=window.first,
        last=window.last,
        zone=zone,
        zone_name=options.zone,
        probes=frozenset(options.probes),
        excluded={
            each: await rate(metrics, server, naming.selector(naming.requests, each), window)
            for each in options.excluded
        },
        windows=seasons,
        jobs=await metrics.label_values(
            server, users.selector(users.requests), "job", window.first, window.last
        ),
    )
    return make(asked, found, inside, now), choice.why


@contextmanager
def _progress(days: int) -> Iterator[Advance]:
    """A bar on a terminal."""
    console = stderr()
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("asking Prometheus"), BarColumn(), MofNCompleteColumn(), TextColumn("days"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=days)
        yield lambda: progress.advance(task)
