"""Why the demo ended without having shown what it is for."""


class DemoError(Exception):
    """Something is not as it should be. The message is for a person at a terminal and holds no value."""
