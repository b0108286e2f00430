"""What the studio shows, a file each."""

from photinus.faces.studio.views.base import View
from photinus.faces.studio.views.images import ImagesView
from photinus.faces.studio.views.imperfect import ImperfectView
from photinus.faces.studio.views.laser import LaserView
from photinus.faces.studio.views.ledger import LedgerView
from photinus.faces.studio.views.network import NetworkView

VIEWS: dict[str, type[View]] = {
    "network": NetworkView,
    "laser": LaserView,
    "imperfect": ImperfectView,
    "ledger": LedgerView,
    "images": ImagesView,
}
"""Views by name."""
