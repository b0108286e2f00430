"""What a chip of lasers would do: time, power and energy, each number with its origin."""

from typing import TYPE_CHECKING

from photinus._core import lazy

if TYPE_CHECKING:
    from photinus.hardware.balance import Balance as Balance
    from photinus.hardware.balance import balance as balance
    from photinus.hardware.balance import noisy_balance as noisy_balance
    from photinus.hardware.balance import recorded_balance as recorded_balance
    from photinus.hardware.comparison import Peer as Peer
    from photinus.hardware.comparison import headline as headline
    from photinus.hardware.comparison import own_gibbs as own_gibbs
    from photinus.hardware.comparison import peers as peers
    from photinus.hardware.counts import Counts as Counts
    from photinus.hardware.ledger import CASES as CASES
    from photinus.hardware.ledger import Ledger as Ledger
    from photinus.hardware.prices import Price as Price
    from photinus.hardware.prices import Prices as Prices

# Most runs never ask for a ledger.
__getattr__ = lazy.loader(
    __name__,
    {
        "Balance": "photinus.hardware.balance",
        "balance": "photinus.hardware.balance",
        "noisy_balance": "photinus.hardware.balance",
        "recorded_balance": "photinus.hardware.balance",
        "Peer": "photinus.hardware.comparison",
        "headline": "photinus.hardware.comparison",
        "own_gibbs": "photinus.hardware.comparison",
        "peers": "photinus.hardware.comparison",
        "Counts": "photinus.hardware.counts",
        "CASES": "photinus.hardware.ledger",
        "Ledger": "photinus.hardware.ledger",
        "Price": "photinus.hardware.prices",
        "Prices": "photinus.hardware.prices",
    },
)
