"""All commands, in the order of ``photinus --help``, and what runs them.

Errors become one sentence and an exit code.
"""

import errno
import os
import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer

from photinus._core import hush
from photinus._core.version import __version__
from photinus.errors import AssumptionWarning, PhotinusError, TranslationWarning
from photinus.faces.cli.calibrate import calibrate
from photinus.faces.cli.demo import demo
from photinus.faces.cli.design import design
from photinus.faces.cli.device import device
from photinus.faces.cli.explore import explore
from photinus.faces.cli.infer import infer
from photinus.faces.cli.info import info
from photinus.faces.cli.init import init
from photinus.faces.cli.layout import layout
from photinus.faces.cli.learn import learn
from photinus.faces.cli.messages import INPUT_ERROR, INTERRUPTED, OUTPUT_ERROR, stop, tell
from photinus.faces.cli.report import ledger, report
from photinus.faces.cli.robustness import robustness
from photinus.faces.cli.sample import sample
from photinus.faces.cli.studio import studio
from photinus.faces.cli.study import study
from photinus.faces.cli.tasks import classify, complete, dream, imagine
from photinus.faces.cli.translate import refine, translate

COMMANDS = (
    demo,
    init,
    infer,
    sample,
    study,
    calibrate,
    translate,
    refine,
    design,
    robustness,
    explore,
    layout,
    learn,
    dream,
    imagine,
    complete,
    classify,
    report,
    ledger,
    studio,
    info,
)

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="photinus",
    no_args_is_help=True,
    context_settings=HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        typer.echo(f"photinus {__version__}")
        raise typer.Exit


@app.callback()
def photinus(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Bayesian inference on networks of spiking nanolasers."""


for command in COMMANDS:
    app.command(context_settings=HELP)(command)
app.add_typer(device, context_settings=HELP)

_Misuse: Any = typer.BadParameter.__mro__[2]
"""The base of what typer raises on arguments that it cannot take; it has no public name there."""


def main() -> None:
    """Run the command line; bad input is one sentence and exit code 2."""
    _open_output()
    for told in (TranslationWarning, AssumptionWarning):
        warnings.simplefilter("always", told)
    warnings.showwarning = tell
    try:
        with hush.once():
            status = app(standalone_mode=False)
        sys.stdout.flush()
    except PhotinusError as error:
        stop(str(error), INPUT_ERROR)
    except _Misuse as error:
        stop(error, INPUT_ERROR)
    except MemoryError:
        stop("memory is too short for this", INPUT_ERROR)
    except OSError as error:
        _stop_output(error)
    if status == INTERRUPTED:  # typer takes Ctrl-C as an exit with this status
        stop("stopped", INTERRUPTED)
    sys.exit(status or 0)


def _open_output() -> None:
    """Make output that never fails for want of a letter or of a reader."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who started this
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, open to the end
        elif hasattr(stream, "reconfigure"):
            # A terminal without the letter µ shows a question mark.
            stream.reconfigure(errors="replace")


def _stop_output(error: OSError) -> NoReturn:
    """End where nobody reads on, as ``| head`` does, or where the output's disk is full."""
    from photinus._core import files

    # Or else Python tries to write the rest when it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if error.errno != errno.EPIPE:
        stop(f"output cannot be written: {files.reason(error)}", OUTPUT_ERROR)
    sys.exit(OUTPUT_ERROR)
