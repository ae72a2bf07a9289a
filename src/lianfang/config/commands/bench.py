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
