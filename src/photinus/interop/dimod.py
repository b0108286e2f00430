"""dimod: `PhotonicSampler`, which its programs take for any other sampler."""

from photinus.interop.sampler import PhotonicSampler as PhotonicSampler
