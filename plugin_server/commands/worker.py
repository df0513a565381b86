"""``photochrom worker``: colours what servers elsewhere put on the queue."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from plugin_server.batch.backends import cores
from plugin_server.commands.once import Command
from plugin_server.commands.parameters import (
    broker_option,
    clip_option,
    limits_options,
    weights_option,
)

EXAMPLES = """\b
Examples:
  photochrom worker --broker redis://192.168.1.10:6379/0
  PHOTOCHROM_BROKER=rediss://:PASSWORD@queue.example:6379/0 photochrom worker --concurrency 4
"""
MEGABYTE = 1024 * 1024


@click.command(cls=Command, epilog=EXAMPLES)
@broker_option(required=True)
@click.option(
    "--concurrency", metavar="N", type=click.IntRange(1),
    help="How many photos are coloured at a time, each in a process of its own with the models.  "
    "[default: one for every core]",
)  # fmt: skip
@click.option(
    "--threads", metavar="N", type=click.IntRange(1),
    help="Threads of PyTorch in each process.  [default: the cores, shared among the processes]",
)  # fmt: skip
@click.option(
    "--time-limit", metavar="SECONDS", default=900.0, show_default=True,
    type=click.FloatRange(1), help="A photo that takes longer fails.",
)  # fmt: skip
@click.option(
    "--max-memory-per-child", "resident", metavar="MB", type=click.IntRange(1),
    help="A process that is larger after a photo makes room for a fresh one.",
)  # fmt: skip
@click.option(
    "--max-memory", "memory", metavar="MB", type=click.IntRange(1),
    help="Address space of each process (RLIMIT_AS); a photo that needs more fails.",
)  # fmt: skip
@limits_options("file")
@clip_option
@weights_option
@click.pass_context
def worker(
    ctx: click.Context,
    broker: str,
    concurrency: int | None,
    threads: int | None,
    time_limit: float,
    resident: int | None,
    memory: int | None,
    max_megabytes: int,
    max_megapixels: int,
    clip: str,
    weights: Path | None,
) -> None:
    """Colour photos that servers and batches with the same --broker put on the queue.

    It runs on any machine and needs no library. Ctrl-C, or SIGTERM, lets the photos in hand be
    finished. Use the same version and weights on all machines.
    """
    from plugin_server.broker import Broker, BrokerError

    try:
        queue = Broker(broker)
    except BrokerError as problem:
        raise click.ClickException(str(problem)) from problem
    from models.networks.checkpoint import WeightsError
    from plugin_server.images.layer import Limits
    from plugin_server.jobs import malloc
    from plugin_server.jobs.redis.worker import Settings, load, run

    malloc.share_heaps()
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s", level=logging.WARNING)
    available = cores()
    count = concurrency or available
    settings = Settings(
        queue,
        processes=count,
        threads=threads or max(available // count, 1),
        weights=weights,
        clip=clip,
        limits=Limits(max_bytes=max_megabytes * MEGABYTE, max_pixels=max_megapixels * 1_000_000),
        time_limit=time_limit,
        max_memory=None if memory is None else memory * MEGABYTE,
        max_resident=None if resident is None else resident * MEGABYTE,
    )
    try:
        do = load(settings)
    except WeightsError as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"Photochrom works for {queue.shown} in {count} processes (Ctrl+C stops it)")
    ctx.exit(run(settings, do))
