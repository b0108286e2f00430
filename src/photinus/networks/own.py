"""A network of neurons of one's own kind."""

from dataclasses import dataclass
from typing import Any, ClassVar

from photinus.errors import InvalidInput
from photinus.networks.neurons import NeuronNetwork


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, repr=False)
class OwnNetwork(NeuronNetwork):
    """Neurons of a kind that `photinus.engines.own.OwnDevice` describes, and their couplings.

    Fields are those of `NeuronNetwork`. A rectangular `kernel` must be renewing.

    Raises
    ------
    InvalidInput
        If a value is out of range, not finite, or of the wrong shape.
    """

    _KIND: ClassVar = "own-network"

    def _check(self) -> None:
        if self.kernel.shape == "rectangle" and not self.kernel.renewing:
            raise InvalidInput(
                "kernel must renew its pulse where it is a rectangle, got an additive one"
            )

    @property
    def device(self) -> str:
        """Name of its device."""
        return str(self.parameters.device)

    def _more(self) -> dict[str, Any]:
        return {"device": self.device}
