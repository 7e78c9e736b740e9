"""`python -m demo`."""

from demo.command_line import main

main(prog_name="python -m demo")
