"""``lianfang bench``: how fast, measured on this machine in a scratch database that is dropped afterwards."""

import json

import click


@click.group()
def bench() -> None:
    """Measure what the house does most, beside what bounds it."""


@bench.command()
@click.option("--people", default=1_000_000, show_default=True, help="people who get two duties each")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def duties(people: int, as_json: bool) -> None:
    """Roll the day over: open two duties each for so many people, through the reconciler and into the log."""
    from lianfang.config.benchmarks import bench_duties

    found = bench_duties(people, say=lambda line: click.echo(line, err=True))
    click.echo(json.dumps(found) if as_json else "\n".join(f"{name}: {value}" for name, value in found.items()))


@bench.command()
@click.option("--people", default=2_000_000, show_default=True, help="people on the roster")
@click.option("--seconds", default=60.0, show_default=True, help="seconds of load, shared out among the runs")
@click.option("--phones", default=26_000, show_default=True, help="phones on bad lines")
@click.option("--crash", is_flag=True, help="kill server and database three times under load and look for every sample")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def screening(people: int, seconds: float, phones: int, crash: bool, as_json: bool) -> None:
    """Register samples over HTTP one by one, by tubes and by batches, beside the same statements without the server."""
    from lianfang.config.benchmarks import bench_crash, bench_screening

    def say(line: str) -> None:
        click.echo(line, err=True)

    found = bench_crash(people, seconds, say) if crash else bench_screening(people, seconds, say, phones)
    click.echo(json.dumps(found) if as_json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    if found["lost"] or found["duplicated"]:
        raise click.ClickException("samples were lost or written twice: the figures above say how many")


@bench.command()
@click.option("--people", default=284_690, show_default=True, type=click.IntRange(10_000), help="people of the county")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def sync(people: int, as_json: bool) -> None:
    """Bring a phone up to date with a community of 1,937 households, beside the way that pages through lists."""
    from lianfang.config.benchmarks import bench_sync

    found = bench_sync(people, say=lambda line: click.echo(line, err=True))
    click.echo(json.dumps(found) if as_json else "\n".join(f"{name}: {value}" for name, value in found.items()))
