"""What ends a turn of a duty early, besides the errors of `kube`."""


class Interrupted(Exception):
    """This process no longer leads, or must stop. Another one continues from what the Secret says."""
