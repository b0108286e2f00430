"""Fidelity study: how close samplers come to random Boltzmann machines that no calibration has seen.

From the root of the repository::

    python -m studies.fidelity run       # measure what is missing; Ctrl-C loses one point at most
    python -m studies.fidelity report    # table and figures from what there is

The method is in docs/explanation/fidelity-study.md. A further variant is one entry of
`variants.VARIANTS`.
"""
