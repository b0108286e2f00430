"""The kinds of documents that Photinus writes, and the schema of each that this version writes.

A schema is raised when what a document holds changes. Results that are measured again in that case
rather than read, those of a study, have theirs here too.
"""

from typing import Any

SCHEMAS = {
    "bayesian-network": 1,
    "boltzmann-estimator": 1,
    "boltzmann-machine": 2,
    "calibration": 2,
    "laser-network": 2,
    "laser-parameters": 1,
    "lif-network": 2,
    "lif-parameters": 1,
    "markov-network": 1,
    "own-network": 1,
    "photinus-ledger": 1,
    "photinus-report": 2,
    "photinus-samples": 3,
    "photinus-study-point": 1,
    "photinus-tolerances": 1,
}
"""Kind → schema."""


def stamp(kind: str) -> dict[str, Any]:
    """Return what a document of this kind begins with."""
    return {"kind": kind, "schema": SCHEMAS[kind]}
