"""Celery, as the servers that send work and the workers that do it agree upon it."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Final

from celery import Celery

from plugin_server.broker import TIMEOUTS, Broker
from plugin_server.version import product_version

TASK: Final = "photochrom.work"
PREFIX: Final = "photochrom:"
LANES: Final = 8  # clients that have their turns apart from each other
TIME_LIMIT: Final = 900.0  # seconds for one photo
LAST_WORDS: Final = 10.0  # seconds from asking a photo to end until its process is killed
CLOCKS: Final = 600.0  # seconds by which the machines' clocks may differ


def make_app(broker: Broker, *, time_limit: float = TIME_LIMIT) -> Celery:
    """Configure Celery for one broker; nothing is sent before it is used."""
    app = Celery("photochrom", broker=broker.url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],  # nothing else is read, whatever somebody may write into Redis
        # A photo belongs to the queue until its outcome is written: whose process is killed is
        # begun again by another, three times.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_retry_on_worker_lost=True,
        # A worker holds no photo that it does not work on. Counting what it has in hand, and not
        # what was acknowledged, also keeps it from going deaf when Redis restarts.
        worker_prefetch_multiplier=0,
        worker_disable_prefetch=True,
        task_soft_time_limit=time_limit,
        task_time_limit=time_limit + LAST_WORDS,
        task_ignore_result=True,  # plugin_server.jobs.redis.job_store keeps it
        worker_enable_remote_control=False,  # workers take no orders from the network
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_proc_alive_timeout=300.0,  # a process colours a first picture before it is ready
        # Redis away is an everyday fault: keep trying, at the start too.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Certificates are checked, unless the URL says otherwise.
        broker_use_ssl={"ssl_cert_reqs": "required"} if broker.url.startswith("rediss:") else None,
        broker_transport_options={
            **TIMEOUTS,
            "global_keyprefix": PREFIX,
            "priority_steps": [0],
            "queue_order_strategy": "round_robin",
            # What a whole machine had in hand when it vanished comes back after this time.
            "visibility_timeout": time_limit + LAST_WORDS + CLOCKS,
        },
    )
    return app


def made_with(weights: Path | None = None, clip: str = "embedded") -> str:
    """Name the version and the weights: only workers with the same give the same bytes."""
    released = Path(str(files("models"))) / "weights"
    found = hashlib.sha256(clip.encode() + (released / "SHA256SUMS").read_bytes())
    if weights is not None:
        beside = (weights.with_name(file.name) for file in sorted(released.glob("*.safetensors")))
        for file in (weights, *filter(Path.is_file, beside)):
            found.update(file.read_bytes())
    return f"{product_version()}-{found.hexdigest()[:8]}"


def lanes_of(models: str) -> list[str]:
    """Name the queues of a version; workers take from them in turn."""
    return [f"{models}.{lane}" for lane in range(LANES)]
