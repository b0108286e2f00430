"""Checks that a substrate or a device keeps what Photinus promises; for ours and yours.

Run them all by one call, or each as a separate test::

    import pytest
    from photinus import testing

    def test_annealer():
        testing.check_substrate("annealer")

    @pytest.mark.parametrize("check", testing.SUBSTRATE_CHECKS)
    def test_annealer_one_by_one(check):
        testing.SUBSTRATE_CHECKS[check](testing.subject("annealer"))

    def test_neuron():
        testing.check_device(MyParameters(...))
"""

from photinus.testing.devices import DEVICE_CHECKS as DEVICE_CHECKS
from photinus.testing.devices import check_device as check_device
from photinus.testing.neurons import DeviceSubject as DeviceSubject
from photinus.testing.neurons import device_subject as device_subject
from photinus.testing.substrates import SUBSTRATE_CHECKS as SUBSTRATE_CHECKS
from photinus.testing.substrates import check_substrate as check_substrate
from photinus.testing.substrates import subject as subject
from photinus.testing.verdict import Unfit as Unfit
