"""The exceptions of Photinus: one family, one sentence each."""


class PhotinusError(Exception):
    """Base class of every error that Photinus raises on purpose.

    Examples
    --------
    >>> import photinus as ph
    >>> try:
    ...     ph.Calibration.preset("no-such-laser")
    ... except ph.PhotinusError as error:
    ...     print(type(error).__name__)
    InvalidInput
    """

    def __str__(self) -> str:
        # On one line, whatever values from outside the sentence quotes.
        return " ".join(super().__str__().split())


class InvalidInput(PhotinusError, ValueError):
    """An argument, a file or a combination of them that cannot be used.

    Examples
    --------
    >>> import photinus as ph
    >>> try:
    ...     ph.BoltzmannMachine([[0, 1], [2, 0]], [0, 0])
    ... except ph.InvalidInput as error:
    ...     print(error)
    weights must be symmetric, got 1 at (0, 1) and 2 at (1, 0)
    """


class NotConverged(PhotinusError):
    """A solver or an optimiser stopped before it reached its tolerance.

    Examples
    --------
    >>> from photinus.devices.laser import LaserParameters, spike
    >>> from photinus.errors import NotConverged
    >>> weak = LaserParameters.preset("fast-absorber").replace(absorber_lifetime=5e-9)
    >>> try:
    ...     event = spike(weak)
    ... except NotConverged as error:
    ...     print(str(error).split(":")[0])
    laser 'custom' does not pulse
    """


class TranslationWarning(UserWarning):
    """What a device cannot do of what a run asks for, said before the run starts.

    Examples
    --------
    >>> import warnings
    >>> import photinus as ph
    >>> machine = ph.BoltzmannMachine([[0, 9], [9, 0]], [-4.5, -4.5])
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ph.TranslationWarning)
    ...     try:
    ...         ph.sample(machine, "laser-reduced", chains=2, draws=30, seed=1)
    ...     except ph.TranslationWarning as warning:
    ...         print(str(warning).split(" (")[0])
    reduced lasers are known to be like full physics for couplings up to 6 slopes
    """


class AssumptionWarning(UserWarning):
    """What was assumed because nothing that was given says it.

    Examples
    --------
    >>> import warnings
    >>> import photinus as ph
    >>> from photinus.errors import AssumptionWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", AssumptionWarning)
    ...     try:
    ...         ph.LaserParameters.from_measured(quality=5000, threshold_current="20 uA")
    ...     except AssumptionWarning as warning:
    ...         print(str(warning).split(",")[0])
    nothing given says wavelength 1.55 µm
    """


class MissingDependency(PhotinusError, ImportError):
    """An optional package that this call needs is not installed.

    Examples
    --------
    >>> import photinus as ph
    >>> from photinus.errors import MissingDependency
    >>> samples = ph.sample(ph.BoltzmannMachine([[0]], [0]), "exact", chains=2, draws=30, seed=1)
    >>> try:
    ...     frame = samples.to_frame()
    ... except MissingDependency as error:  # where pandas is not installed
    ...     print(error)
    """
