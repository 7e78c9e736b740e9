"""The Hypothesis profile of these tests: the same examples in every run, and no judgement of speed."""

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("ci")
