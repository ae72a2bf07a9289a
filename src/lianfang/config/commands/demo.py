"""``lianfang demo``: the main job, then the console in the browser."""

import time

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(1, 65535))
@click.option("--fresh", is_flag=True, help="Play the outbreak anew instead of showing the one played before.")
@click.option("--no-serve", is_flag=True, help="Stop after the figures instead of serving the console.")
def demo(host: str, port: int, fresh: bool, no_serve: bool) -> None:
    """Play Ding'an, July 2022, show what the records count, and serve the console until Ctrl-C."""
    from lianfang.config import replaying, server
    from lianfang.config.commands.replay import table
    from lianfang.config.home import current_home

    started = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - started:7.1f} s  {line}", err=True)

    scenario = replaying.Scenario("dingan-2022")
    end = replaying.run(scenario.name, fresh=fresh, say=say)
    click.echo(table(replaying.outcome(scenario.name, end)))
    click.echo("演示账号 / accounts of the demonstration (记录均为虚构 / all records are synthetic):")
    for username, title, role in replaying.demo_accounts():
        click.echo(f"  {username:<14} {replaying.demo_password():<12} {role:<18} {title}")
    if not no_serve:
        click.echo(f"\n指挥台 / console: http://{host}:{port}/   Ctrl-C 结束 / ends it")
        click.echo(f"手机端 / phone app: http://{host}:{port}/field/   设备登记码 / codes that enrol a phone (24 h):")
        for title, code in replaying.demo_phones():
            click.echo(f"  {code}   {title}")
        click.echo()
        server.serve(current_home(), scenario.database, (host, port), 2, say=click.echo)
