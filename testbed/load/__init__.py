"""Load on the servers of a testbed, from separate processes, for the benchmark and for tests."""
