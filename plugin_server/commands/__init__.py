"""The subcommands of ``photochrom``, one a file."""
