"""A codec for each kind that Keyhole fills. Everything that differs from kind to kind is here and nowhere else."""
