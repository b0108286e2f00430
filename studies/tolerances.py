"""How large an imperfection may be before it doubles the KL of machines: a quick look, by the package.

`photinus.faces.robustness` measures sweeps on the machines of ``studies/delays.py``: full physics, no
digits, and the floor taken from every KL. With ``--refined`` networks are refined with the fault in
place, and measured again. Each point is one small file, so that the study goes on where it stopped.
From the root of the repository::

    python -m studies.tolerances compression rise_time pump_noise pump_noise_corner self_heating

``--page docs/results/robustness.md`` writes the tables into a section of that page as well.
"""

import argparse
from pathlib import Path

from studies.delays import FIRST_SEED, random_machine
from studies.pages import origin
from studies.robustness import LATER, REFINED, ROOT, section, with_section

from photinus import Calibration
from photinus._core import files
from photinus.faces.robustness import SWEEPS, Robustness, robustness
from photinus.faces.robustness.measuring import Length

SETTLED = 150
"""Burn-in [τ]: three thermal time constants of the sweep."""


def section_of(found: Robustness, options: argparse.Namespace) -> str:
    """Return both tables as a section of a page."""
    kl = {kind: (x.mean(), x.std(ddof=1) / len(x) ** 0.5) for kind, x in found.faultless.items()}
    without = " and ".join(f"{mean:.5f} ± {error:.1g} {kind}" for kind, (mean, error) in kl.items())
    head = (*found.head()[:1], "size", *(f"{kind}, KL less its floor [nats]" for kind in kl))
    command = " ".join([*options.sweeps, f"--draws {options.draws}"])
    command += f" --machines {options.machines}" + " --refined" * options.refined
    title = REFINED if options.refined else LATER
    lines = [
        title,
        "",
        origin(options.results),
        "",
        f"Written by `python -m studies.tolerances {command}`, on {options.machines} other machines "
        f"of five units in ±1, device `{options.device}`. The floor is taken from every KL. Without "
        f"fault it is {without} nats. Errors are standard errors over machines, brackets 16 % and 84 % "
        "quantiles of bootstrap samples of them.",
        "",
    ]
    for names, rows in ((found.head(), found.rows()), (head, found.points())):
        lines += [f"| {' | '.join(row)} |" for row in (names, ["---"] * len(names), *rows)]
        if names == found.head():
            lines += ["", f"{title}: each size", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure the sweeps that are asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("sweeps", nargs="+", choices=SWEEPS)
    add("--device", default="fast-absorber")
    add("--machines", type=int, default=3)
    add("--draws", type=int, default=400)
    add("--refined", action="store_true", help="refine with the fault in place, too")
    add("--threads", type=int)
    add("--results", type=Path, default=ROOT / "studies" / "results" / "tolerances")
    add("--page", type=Path, help="page of docs that gets the tables")
    options = parser.parse_args()
    if options.draws < SETTLED:
        parser.error(f"--draws must be at least {SETTLED}, as many as the burn-in, got {options.draws}")
    if options.machines < 2:
        parser.error(f"--machines must be at least 2, got {options.machines}")
    found = robustness(
        Calibration.preset(options.device),
        machines=[random_machine(FIRST_SEED + k) for k in range(options.machines)],
        names=options.sweeps,
        refined=options.refined,
        length=Length(256, options.draws, SETTLED),
        seed=FIRST_SEED,
        folder=options.results,
        threads=options.threads,
        progress=True,
    )
    text = section_of(found, options)
    print(text)
    if options.page is not None:
        before = options.page.read_text(encoding="utf-8")
        if options.refined:
            after = with_section(before, text, REFINED)
        else:
            after = with_section(before, f"{text}\n\n{section(before, REFINED)}".rstrip())
        files.write_text(options.page, after)


if __name__ == "__main__":
    main()
