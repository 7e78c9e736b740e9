"""Reports of policies as objects of the cluster, for programs that show such reports."""
