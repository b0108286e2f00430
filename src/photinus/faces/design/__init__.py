"""From a laser to a verdict: does it sample, how fast, for how much, and what to improve first."""

from photinus.faces.design.job import design as design
from photinus.faces.design.verdict import Design as Design
