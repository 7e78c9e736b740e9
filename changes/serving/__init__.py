"""`keyhole page` as processes: a server, and beside it what reads the trails."""
