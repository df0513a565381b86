"""``python -m plugin_server`` is the ``photochrom`` command of this Python."""

from plugin_server.cli import main

main(prog_name="photochrom")
