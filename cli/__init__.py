"""The `keyhole` command: a thin layer over the other rooms."""
