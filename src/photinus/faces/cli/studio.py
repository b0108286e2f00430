"""``photinus studio``."""

from pathlib import Path
from typing import Annotated

import typer


def studio(
    model: Annotated[
        Path | None, typer.Argument(help="Machine or network to begin with: .json, .bif, .npz …")
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port on this computer; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    share: Annotated[
        str, typer.Option(help="Address that a studio shared, to begin with its settings.")
    ] = "",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Open a live laboratory in the browser. Ctrl-C ends it."""
    from photinus._core.extras import optional

    for module in ("starlette", "uvicorn", "websockets"):
        optional(module, "studio", "photinus studio")
    from photinus.faces.studio.server import serve

    serve(
        model,
        port,
        settings=share.rpartition("#")[2],
        browser=browser,
        tell=lambda page: typer.echo(f"Studio: {page}\nCtrl-C ends it."),
    )
