"""``lianfang drill``: the whole house exercised from outside, in a scratch database."""

import json
import time

import click


@click.group()
def drill() -> None:
    """Exercise the house as phones and desks use it, and hold every figure against the others."""


@drill.command("round")
@click.option(
    "--people-share", default=1.0, show_default=True, type=click.FloatRange(0.02, 1), help="share of the households that take part"
)  # fmt: skip
@click.option(
    "--lose-batch", is_flag=True, help="let the offline phone die with its last batch: its people are shown as missing"
)
@click.option("--keep", is_flag=True, help="leave the database lianfang_drill_round for a look")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def round_(people_share: float, lose_batch: bool, keep: bool, as_json: bool) -> None:
    """Test four communities over HTTP from the first zone to the sign-off; exit code 1 when an equation fails."""
    from lianfang.config.drills.round_over_http import drill_round
    from lianfang.config.drills.round_over_http.telling import as_text

    started = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - started:7.1f} s  {line}", err=True)

    outcome = drill_round(share=people_share, lose_batch=lose_batch, keep=keep, say=say)
    click.echo(json.dumps(outcome, ensure_ascii=False) if as_json else as_text(outcome))
    if not outcome["holds"]:
        raise click.ClickException("the account does not hold: the equations above say where")
