"""Progress that interrupts, as Ctrl-C does."""


class Impatient:
    """Stops a run after so many windows."""

    def __init__(self, left: float) -> None:
        self.left, self.stopped = left, False

    def start(self, description: str, total: float) -> None:
        pass

    def advance(self, amount: float) -> None:
        self.left -= amount
        if self.left < 0:
            raise KeyboardInterrupt

    def stop(self) -> None:
        self.stopped = True
