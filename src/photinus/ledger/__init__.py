"""What a chip of lasers would do: time, power and energy, each number with its origin."""

from photinus.ledger.balance import Balance as Balance
from photinus.ledger.balance import balance as balance
from photinus.ledger.balance import noisy_balance as noisy_balance
from photinus.ledger.balance import recorded_balance as recorded_balance
from photinus.ledger.comparison import Peer as Peer
from photinus.ledger.comparison import headline as headline
from photinus.ledger.comparison import own_gibbs as own_gibbs
from photinus.ledger.comparison import peers as peers
from photinus.ledger.counts import Counts as Counts
from photinus.ledger.ledger import CASES as CASES
from photinus.ledger.ledger import Ledger as Ledger
from photinus.ledger.prices import Price as Price
from photinus.ledger.prices import Prices as Prices
