"""What ends a turn of the controller's work early, beside the errors of `kube`."""


class Interrupted(Exception):
    """This process leads no more, or is to end: another one goes on from what stands in the Secret."""
