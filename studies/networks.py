"""Networks of others: posterior marginals sampled, against exact ones.

Reads networks of any number of states from files (BIF, XMLBIF, UAI and the other formats of
`photinus.interop`), and asks each of them with nothing and with something known. Exact marginals come
from a tree of cliques, which tests compare with another library. Each cell is stored when it is
measured. Writes docs/results/networks.md.

    python -m studies.networks FOLDER_OR_FILE... [--out DIR] [--docs DIR] [--most SECONDS]
"""

import argparse
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.pages import DOCS, write_page

import photinus as ph
from photinus._core.results import Results
from photinus.faces.cli.inputs import read_known
from photinus.interop import read_model
from photinus.samplers.tempering import SETTLED
from photinus.tasks import Posterior

RESULTS = Path(__file__).parent / "results" / "networks"
KIND = "photinus-network-cell"
GIVEN: dict[str, tuple[str, ...]] = {
    "asia": ("xray=yes", "dysp=yes"),
    "cancer": ("Xray=positive", "Dyspnoea=True"),
    "sachs": ("Akt=HIGH",),
    "alarm": ("HRBP=HIGH", "BP=LOW"),
    "win95pts": ("Problem1=No_Output",),
    "andes": ("SNode_155=true", "SNode_151=true", "GOAL_99=true"),
    "grid4x4": ("0=1", "15=0"),
    "grid4x4_with_triplets": ("0=1", "15=0"),
}
"""What is known in the second row of each network: at the bottom, where it is felt above."""
COPIES, HOTTEST = 8, 10.0
LENGTH: dict[str, Any] = {"chains": 64, "draws": 200, "burn_in": 100, "seed": 3, "threads": 1}
SMALL = 12
"""Units up to which full physics is simulated."""


@dataclass(frozen=True)
class Way:
    """One way to ask: a column of the table."""

    name: str
    substrate: str
    refined: bool = False
    tempered: bool = False
    summing: bool = True
    most: int = 10_000
    """Units up to which it is measured."""

    @property
    def key(self) -> str:
        """Its name in files."""
        return self.name.replace(" ", "-").replace(",", "")


WAYS = (
    Way("Gibbs", "gibbs"),
    Way("Gibbs, tempered", "gibbs", tempered=True),
    Way("lasers", "laser-reduced"),
    Way("lasers, tempered", "laser-reduced", tempered=True, most=1000),
    Way("refined", "laser-reduced", refined=True, most=100),
    Way("refined, tempered", "laser-reduced", refined=True, tempered=True, most=100),
    Way("full physics, refined", "laser", refined=True, most=SMALL),
)
WHOLE = (
    Way("whole, Gibbs", "gibbs", summing=False),
    Way("whole, Gibbs, tempered", "gibbs", tempered=True, summing=False),
    Way("whole, lasers", "laser-reduced", summing=False),
    Way("whole, lasers, tempered", "laser-reduced", tempered=True, summing=False, most=1000),
)
"""The same without sums on the host, where these change anything."""


def largest(posterior: Posterior) -> tuple[str, float, float]:
    """Return the marginal that is farthest off: its name, by how much, and its standard error."""
    rows = [row for row in posterior.rows() if row[4] is not None]
    name, state, p, error, exact = max(rows, key=lambda row: abs(row[2] - (row[4] or 0.0)))
    return f"{name} = {state}", abs(p - (exact or 0.0)), error


def ask(model: Any, evidence: Mapping[Any, Any], way: Way) -> dict[str, Any]:
    """Return what one way to ask found."""
    # Gibbs sampling remembers nothing of another temperature; neurons settle first.
    every = {"every": 1} if way.substrate == "gibbs" else {}
    tempering = ph.Parallel.rising(COPIES, hottest=HOTTEST, **every) if way.tempered else None
    started = time.process_time()
    found = ph.infer(
        model,
        evidence,
        way.substrate,
        refined=way.refined,
        summing=way.summing,
        tempering=tempering,
        **LENGTH,
    )
    spent = time.process_time() - started
    worst, off, error = largest(found) if found.exact is not None else ("", None, None)
    return {
        "units": found.units,
        "weight": found.largest_weight,
        "sampled": len(found.reduction.sampled),
        "summed": len(found.reduction.summed),
        "off": off,
        "error": error,
        "worst": worst,
        "cpu": spent,
        "chip": found.chip_time,
        "grade": "exact" if found.fidelity is None else found.fidelity.grade,
        "advice": "" if found.fidelity is None else found.fidelity.advice,
        "trusted": None if found.weights is None else found.weights.trusted,
    }


@dataclass(frozen=True)
class Case:
    """A network, and what is known of it."""

    path: Path
    given: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.path.stem

    def measure(self, results: Results, most: float) -> dict[str, dict[str, Any]]:
        """Return what each way found, by its name; what is not there is measured while time is left."""
        model = read_model(self.path)
        known = read_known(list(self.given), model.states)
        machines = {
            summing: model.reduced(known, softening=0.01, summing=summing) for summing in (True, False)
        }
        found: dict[str, dict[str, Any]] = {}
        for way in (*WAYS, *(WHOLE if machines[True].summed else ())):
            machine = machines[way.summing].machine
            name = f"{self.name}-{'given' if self.given else 'free'}-{way.key}"
            stored = results.read(name)
            if machine is not None and machine.n_units > way.most:
                continue
            if stored is None and time.process_time() < most:
                stored = results.get(name, lambda way=way: ask(model, known, way), tell=tell)
            if stored is not None:
                found[way.name] = stored
        return found


def tell(name: str, found: Mapping[str, Any]) -> None:
    """Print a cell that was measured just now."""
    print(f"{name}: off by {found['off']}, {found['cpu']:.1f} s", flush=True)


def cases(paths: list[Path]) -> Iterator[Case]:
    """Give every network with nothing and with something known."""
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.stem in GIVEN) if path.is_dir() else [path]
        for each in inside:
            yield Case(each, ())
            yield Case(each, GIVEN[each.stem])


def table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(found: Mapping[str, Any] | None) -> str:
    """Return error and time of one cell."""
    if found is None:
        return "–"
    off = "unknown" if found["off"] is None else f"{found['off']:.3f}"
    return f"{off} ({found['cpu']:.1f} s)" + ("" if found["trusted"] is not False else "¹")


def rows_of(found: Mapping[Case, Mapping[str, Any]], ways: tuple[Way, ...]) -> list[list[str]]:
    """Return a row per network and evidence, a cell per way."""
    rows = []
    for case, cells in found.items():
        one = next((cells[way.name] for way in ways if way.name in cells), None)
        if one is not None:
            known = ", ".join(case.given) or "nothing"
            size = [f"{one['sampled']} + {one['summed']}", str(one["units"]), f"{one['weight']:.1f}"]
            rows.append([case.name, known, *size, *(cell(cells.get(way.name)) for way in ways)])
    return rows


def verdicts(found: Mapping[Case, Mapping[str, Any]]) -> list[list[str]]:
    """Return rows of what the certificate says, where a marginal is off by more than 0.02."""
    rows = []
    for case, cells in found.items():
        for name, one in cells.items():
            if one["off"] is not None and one["off"] > 0.02:
                known = ", ".join(case.given) or "nothing"
                off = f"{one['off']:.3f} ± {one['error']:.3f} ({one['worst']})"
                rows.append([case.name, known, name, off, one["grade"], _short(one["advice"])])
    return rows


def _short(advice: str) -> str:
    """Return what helps first."""
    return advice.partition(";")[0].partition(":")[0] or "–"


def summary(found: Mapping[Case, Mapping[str, Any]]) -> str:
    """Return what the table says, in a sentence."""
    plain = [cells["refined"]["off"] for cells in found.values() if "refined" in cells]
    tempered = [c["refined, tempered"]["off"] for c in found.values() if "refined, tempered" in c]
    if not plain or not tempered:
        return "**No network was asked on refined lasers.**"
    return (
        f"**By one call, refined lasers are within {max(plain):.3f} on all {len(plain)} questions "
        f"that they were asked.** Tempered as well, they are within {max(tempered):.3f}. So temper "
        "lasers only where chains stay in their modes, as the verdict says."
    )


SIZES = ("network", "given", "variables sampled + summed out", "units", "largest weight")


def page(found: Mapping[Case, Mapping[str, Any]]) -> str:
    """Return the page of results."""
    whole = {
        case: {n: c for n, c in cells.items() if n.startswith("whole")} for case, cells in found.items()
    }
    length = f"{LENGTH['chains']} chains × {LENGTH['draws']} draws after {LENGTH['burn_in']}"
    return f"""# Networks of others

{summary(found)}

Posterior marginals of public networks, by one call of `photinus.infer` each. A cell is the largest error of a marginal, over all variables and states, against exact ones. Behind it stand the seconds of one core.

{length}, one per window or sweep. *Tempered* is {COPIES} copies up to T = {HOTTEST:g}, swapped at every draw of Gibbs sampling, and at every {SETTLED}th of lasers. *Lasers* are reduced lasers as translated, *refined* after refinement in the loop. Full physics is simulated up to {SMALL} units.

{table((*SIZES, *(way.name for way in WAYS)), rows_of(found, WAYS))}

¹ The weights that undo softening are not to be trusted, and `infer` warns.

## Without sums on the host

Evidence at the bottom of a network makes tables count that are nearly all 0 and 1. As weights they are 15 and more. Neurons do not follow them, and chains of any kind stay in their modes. So `infer` sums such variables out first, where tables stay small ([how](../how-to/bayesian-networks.md)). With `summing=False` all of them are sampled:

{table((*SIZES, *(way.name.removeprefix("whole, ") for way in WHOLE)), rows_of(whole, WHOLE))}

## What the certificate says where a marginal is off by more than 0.02

{table(("network", "given", "sampler", "off by", "verdict", "advice"), verdicts(found))}

`python -m studies.networks FOLDER` measures all of that and writes this page. The networks are those of the public network repository and the test data of pgmpy; andes comes with pgmpy.
"""  # noqa: E501


def main() -> None:
    """Measure all cells and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=DOCS)
    parser.add_argument("--most", type=float, default=2400.0, help="seconds of one core")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ph.TranslationWarning)
    results = Results(options.out, KIND)
    found = {case: case.measure(results, options.most) for case in cases(options.paths)}
    write_page(options.docs, "networks", page(found), options.out)


if __name__ == "__main__":
    main()
