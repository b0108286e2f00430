"""How much memory is left, asked before a run starts."""

import os

from photinus.errors import InvalidInput


def available() -> float:
    """Return the bytes of memory that a new allocation may count on."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return float(line.split()[1]) * 1024
    except OSError:
        pass
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def require(needed: float, what: str) -> None:
    """Raise unless `needed` bytes for `what` are available."""
    left = available()
    if needed > left:
        raise InvalidInput(
            f"{what} would need about {needed / 2**30:.3g} GiB of memory, "
            f"{left / 2**30:.3g} GiB are available"
        )
