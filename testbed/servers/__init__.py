"""The servers of a testbed, each a process under one guardian."""
