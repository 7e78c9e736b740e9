"""The images of workloads and of running pods."""

from enforcer.facts.base import Facts


class WorkloadFacts(Facts):
    """The images of workloads and of running pods."""
