"""The exceptions of Photinus: one family, one sentence each."""


class PhotinusError(Exception):
    """Base class of every error that Photinus raises on purpose."""

    def __str__(self) -> str:
        # On one line, whatever values from outside the sentence quotes.
        return " ".join(super().__str__().split())


class InvalidInput(PhotinusError, ValueError):
    """An argument, a file or a combination of them that cannot be used."""


class NotConverged(PhotinusError):
    """A solver or an optimiser stopped before it reached its tolerance."""


class TranslationWarning(UserWarning):
    """What a device cannot do of what a run asks for, said before the run starts."""


class AssumptionWarning(UserWarning):
    """What was assumed because nothing that was given says it."""


class MissingDependency(PhotinusError, ImportError):
    """An optional package that this call needs is not installed."""
