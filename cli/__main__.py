"""`python -m cli`: the same as `keyhole`."""

from cli.main import main

main(prog_name="keyhole")
