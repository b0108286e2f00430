"""Which laser samples best: many devices calibrated and compared, by an optimiser.

``space`` says which lasers there are, ``measuring`` what each is worth, ``search`` looks for good ones.
"""

from photinus.faces.explorer.measuring import Found as Found
from photinus.faces.explorer.search import Exploration as Exploration
from photinus.faces.explorer.search import explore as explore
