"""`python -m bench`."""

from bench.command_line import main

if __name__ == "__main__":
    main(prog_name="python -m bench")
