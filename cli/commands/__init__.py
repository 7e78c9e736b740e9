"""One module for each subcommand of `keyhole`. None is imported before its command is called."""
