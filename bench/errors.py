"""What can go wrong in a measurement."""


class BenchError(Exception):
    """A measurement cannot be made; the message says why."""
