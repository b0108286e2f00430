"""The reduced laser: an escape rate, measured on the full model, instead of field and photons."""

from photinus.engines.reduced.model import Agreement, EscapeRate, ReducedLaser

__all__ = ["Agreement", "EscapeRate", "ReducedLaser"]
