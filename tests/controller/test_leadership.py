import pytest
from kubernetes import client

from controller.leadership import Leadership
from kube.leases import LeaseHolder
from kube.objects import ObjectName
from tests.e2e.processes import eventually


class _Broken(LeaseHolder):
    """A Lease whose handling has a bug."""

    def __init__(self) -> None:
        super().__init__(client.ApiClient(), ObjectName("a", "b"), "me")

    def hold(self, timeout_seconds: float) -> bool:
        raise ZeroDivisionError

    def release(self, timeout_seconds: float) -> None:
        """Do nothing."""


def test_a_bug_in_the_renewing_thread_reaches_whoever_asks_who_leads() -> None:
    leadership = Leadership(_Broken())
    leadership.start()

    def raises() -> bool:
        try:
            return leadership.is_held
        except ZeroDivisionError:
            return True

    eventually(raises, "the bug is told")
    with pytest.raises(ZeroDivisionError):
        assert leadership.is_held
    leadership.close()
