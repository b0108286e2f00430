"""Neurons of one's own: describe one step of time, and get networks, calibration and sampling."""

from photinus.engines.own.device import OwnDevice as OwnDevice
from photinus.engines.own.device import to_dict as to_dict
