"""``lianfang doctor``: is this machine fit to run the house?"""

import json
from dataclasses import asdict

import click

from lianfang.config.doctor import Finding, State, examine
from lianfang.config.home import current_home

MARKS: dict[State, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def doctor(as_json: bool) -> None:
    """Check this machine, the home folder and the database; exit code 1 when something fails."""
    findings = examine(current_home())
    failed = [name for name, finding in findings.items() if finding.state == "fail"]
    if as_json:
        found = {name: asdict(finding) for name, finding in findings.items()}
        click.echo(json.dumps({"fit": not failed, "findings": found}, ensure_ascii=False, indent=1))
    else:
        for name, finding in findings.items():
            click.echo(_line(name, finding))
    raise SystemExit(1 if failed else 0)


def _line(name: str, finding: Finding) -> str:
    mark = click.style(f"{finding.state:4}", fg=MARKS[finding.state])
    advice = f" {finding.advice}" if finding.state != "ok" else ""
    return f"{mark}  {name.replace('_', ' '):16} {finding.sentence}{advice}"
