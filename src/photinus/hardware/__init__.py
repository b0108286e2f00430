"""What a chip of lasers would do: time, power and energy, each number with its origin."""

from photinus.hardware.balance import Balance as Balance
from photinus.hardware.balance import balance as balance
from photinus.hardware.balance import noisy_balance as noisy_balance
from photinus.hardware.balance import recorded_balance as recorded_balance
from photinus.hardware.chip import Chip as Chip
from photinus.hardware.chip import Delays as Delays
from photinus.hardware.chip import delay_share as delay_share
from photinus.hardware.comparison import Peer as Peer
from photinus.hardware.comparison import headline as headline
from photinus.hardware.comparison import own_gibbs as own_gibbs
from photinus.hardware.comparison import peers as peers
from photinus.hardware.counts import Counts as Counts
from photinus.hardware.heat import Heat as Heat
from photinus.hardware.ledger import CASES as CASES
from photinus.hardware.ledger import Ledger as Ledger
from photinus.hardware.links import LinkBudget as LinkBudget
from photinus.hardware.links import link_budget as link_budget
from photinus.hardware.prices import Price as Price
from photinus.hardware.prices import Prices as Prices
from photinus.hardware.receivers import Receiver as Receiver
