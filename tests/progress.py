"""Progress that interrupts, as Ctrl-C does."""


class Impatient:
    """Stops a run after so many windows."""

    def __init__(self, left):
        self.left, self.stopped = left, False

    def start(self, description, total):
        pass

    def advance(self, amount):
        self.left -= amount
        if self.left < 0:
            raise KeyboardInterrupt

    def stop(self):
        self.stopped = True
