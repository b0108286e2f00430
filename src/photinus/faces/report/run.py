"""The report of a stored run."""

from typing import TYPE_CHECKING, Any

from photinus.errors import InvalidInput
from photinus.faces.figures import plots
from photinus.faces.report.hardware import hardware_chapter
from photinus.faces.report.page import Table, picture, render
from photinus.faces.report.rows import MARGINALS_HEAD, fidelity_rows, marginal_rows, run_rows
from photinus.hardware import Peer
from photinus.samplers.samples import Samples

if TYPE_CHECKING:
    pass


def run_page(samples: Samples, tolerances: Table | None = None, *, gibbs: Peer | None = None) -> str:
    """Return the report of any stored run as HTML.

    Parameters
    ----------
    samples
        The run.
    tolerances, gibbs
        What its chapter on hardware has besides the ledger, see `hardware_chapter`.

    Raises
    ------
    InvalidInput
        If one of them is given for a run that has no such chapter.
    """
    tables: list[tuple[str, list[Any]]] = [("Run", run_rows(samples))]
    pictures, marginals = [], None
    if samples.draws:
        fidelity = samples.fidelity()
        tables.insert(0, ("Fidelity", fidelity_rows(fidelity)))
        marginals = {
            "title": "Marginals",
            "head": MARGINALS_HEAD,
            "rows": marginal_rows(fidelity, len(fidelity.units)),
        }
        if len(samples.free_units) <= 16:
            text = "Exact by enumeration."
            pictures.append(picture("Joint distribution", text, plots.joint(samples)))
        if samples.spikes is not None and samples.network is not None:
            pictures.append(picture("Raster", "The first chain.", plots.raster(samples)))
    hardware = hardware_chapter(samples, tolerances, gibbs)
    if hardware is None:
        for name, given in (("tolerances", tolerances), ("gibbs", gibbs)):
            if given is not None:
                raise InvalidInput(
                    f"{name} must go with a run on lasers, got one on {samples.substrate!r}"
                )
    return render(
        title=f"Run on {samples.substrate}",
        lead=f"{samples.chains} chains of {samples.draws} draws, {samples.machine.n_units} units.",
        tables=tables,
        comparison=marginals,
        pictures=pictures,
        chapters=[] if hardware is None else [hardware],
    )
