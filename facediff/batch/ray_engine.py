"""Workers on a Ray cluster, for those who outgrow one machine (docs.ray.io)."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from facediff.batch.work_items import Outcome, Render, WorkItem
from facediff.batch.worker import perform, reason_of, thread_variables
from facediff.errors import ConfigError, MissingExtra

MAX_RETRIES = 3  # of an order whose worker or node is lost
_REACH_S = 10.0


def run(
    items: Iterable[WorkItem], render: Render, *, workers: int | None = None, address: str | None = None
) -> Iterator[tuple[WorkItem, Outcome]]:
    """Does orders as Ray tasks of one core each, and gives outcomes as they come.

    There are never more orders in flight than workers, so a long file of jobs floods nothing. An order whose worker or
    node is lost is done again elsewhere. Closing the generator cancels what is in flight. All nodes need facediff of
    one version and the folders of inputs and results at the same place.

    Args:
        items: What is to be done; taken when there is room. There may be more after an outcome, even if there were
            none before it.
        render: Makes a clip; a function that the nodes can import.
        workers: How many at once; as many as the cluster has cores, and GPUs if it has any, by default.
        address: Of the cluster; what RAY_ADDRESS names, else a cluster on this machine, by default.

    Raises:
        MissingExtra: Ray is not installed.
        ConfigError: There are no workers, or there is no cluster at the address.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"there must be one worker at least, not {workers}")
    with _connected(address) as ray:
        has_gpus = "GPU" in ray.cluster_resources()
        task = ray.remote(perform).options(
            num_cpus=1, num_gpus=int(has_gpus), max_retries=MAX_RETRIES, runtime_env={"env_vars": thread_variables(1)}
        )
        shared = ray.put(render)
        waiting = iter(items)
        flying: dict[Any, WorkItem] = {}
        try:
            while True:
                room = workers or max(1, int(ray.cluster_resources().get("GPU" if has_gpus else "CPU", 1)))
                while len(flying) < room and (item := next(waiting, None)) is not None:
                    flying[task.remote(item, shared)] = item
                if not flying:
                    return
                for reference in ray.wait(list(flying), num_returns=1)[0]:
                    item = flying.pop(reference)
                    try:
                        outcome = ray.get(reference)
                    except ray.exceptions.RayError as error:
                        outcome = Outcome(reason=f"its worker was lost for good: {reason_of(error)}")
                    yield item, outcome
        finally:
            for reference in flying:
                ray.cancel(reference, force=True)


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected; an existing connection is used and left alone."""
    _check_reachable(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # facediff reports to nobody
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingExtra("ray", "ray", "the engine ray") from error
    is_ours = not ray.is_initialized()
    try:
        if is_ours:
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"there is no Ray cluster at {address}: {reason_of(error)}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_term)  # Ray puts its own there
    try:
        yield ray
    finally:
        if is_ours:
            ray.shutdown()


def _check_reachable(address: str | None) -> None:
    """Refuses at once an address where nobody listens; Ray would try for ten minutes."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
        except (OSError, OverflowError) as error:
            raise ConfigError(f"there is no Ray cluster at {address}: {reason_of(error)}") from error
