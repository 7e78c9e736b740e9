"""Where the programs of a testbed come from: found on this machine, or built from pinned sources."""
