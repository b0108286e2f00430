"""All commands, in the order of ``photinus --help``."""

import typer

from photinus.faces.cli.calibrate import calibrate
from photinus.faces.cli.demo import demo
from photinus.faces.cli.info import info
from photinus.faces.cli.learn import learn
from photinus.faces.cli.report import ledger, report
from photinus.faces.cli.sample import sample
from photinus.faces.cli.study import study
from photinus.faces.cli.tasks import classify, complete, dream, imagine
from photinus.faces.cli.translate import refine, translate

COMMANDS = (
    demo,
    sample,
    study,
    calibrate,
    translate,
    refine,
    learn,
    dream,
    imagine,
    complete,
    classify,
    report,
    ledger,
    info,
)

app = typer.Typer(
    name="photinus",
    help="Bayesian inference on networks of spiking nanolasers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in COMMANDS:
    app.command()(command)
