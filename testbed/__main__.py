"""`python -m testbed`."""

from testbed.command_line import main

main(prog_name="python -m testbed")
