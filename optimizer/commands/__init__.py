"""The subcommands of `optimize`, a file each."""
