"""The Ray cluster: reached, its nodes asked before work begins, its errors in our words.

The only module beside building.py that imports Ray, and only when it is used.
address -> Nodes
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from indexer.cluster.recipe import Recipe, load
from passage_index.errors import InputError, SearchEngineError, WriteFailed

logger = logging.getLogger(__name__)

CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Nodes:
    """What there is to work with."""

    cpus: int
    gpus: int


@contextmanager
def connected(address: str) -> Iterator[Nodes]:
    """The cluster at `host:port`, or `auto` for the one of this machine. Raises InputError."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--ray needs the package ray, which is not installed: pip install 'article-search[ray]'"
        ) from error
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        first_line = str(error).strip().partition("\n")[0][:200]
        raise InputError(
            f"no Ray cluster answers at {address}: {first_line}; start one with `ray start --head` there, "
            f"or leave out --ray"
        ) from error
    with redirect_stdout(sys.stderr):  # Ray tells there of nodes that are lost; data goes to stdout
        try:
            total = ray.cluster_resources()
            yield Nodes(int(total.get("CPU", 0)), int(total.get("GPU", 0)))
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError where nothing listens at `host:port`: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), CONNECT_S).close()


def _name(node: dict[str, Any]) -> str:
    return f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"


def prepare(recipe: Recipe, paths: Sequence[Path]) -> None:
    """Have every node see the input and the shards' folder, and load the model once.

    Raises InputError that names each node which cannot, and why.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    mark = recipe.folder / f".seen-{uuid4().hex}"
    mark.touch()
    try:
        asked = {}
        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get("CPU"):
                here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                task = ray.remote(num_cpus=0, scheduling_strategy=here, max_retries=0)(_fault_here)
                asked[_name(node)] = task.remote(recipe, [path.absolute() for path in paths], mark)
        if not asked:
            raise InputError("the Ray cluster has no node with a CPU to work on")
        answers = {name: ray.get(answer) for name, answer in asked.items()}
    finally:
        mark.unlink(missing_ok=True)
    faults = [f"{name}: {fault}" for name, fault in answers.items() if fault]
    if faults:
        raise InputError("not every node can take part; " + "; ".join(faults))


def _fault_here(recipe: Recipe, paths: Sequence[Path], mark: Path) -> str | None:
    """Runs on a node: why it cannot take part, or None."""
    if not mark.exists():
        return f"does not see {mark.parent}; give --shards a folder that all nodes share"
    unseen = [str(path) for path in paths if not path.exists()]
    if unseen:
        return f"does not see {', '.join(unseen)}; the articles must lie where all nodes read them"
    try:
        load(replace(recipe, device="cpu"), threads=1)  # converts the model, once, before many want it
    except SearchEngineError as error:
        return str(error)
    return None


@contextmanager
def told_in_our_words() -> Iterator[None]:
    """What a task raised on purpose is raised here; what else befell the cluster is a WriteFailed."""
    import ray

    try:
        yield
    except ray.exceptions.RayError as error:
        ours = _ours(error)
        if ours is not None:
            raise ours from None
        last_line = str(error).strip().rpartition("\n")[2][:300]
        raise WriteFailed(
            f"the Ray cluster failed: {last_line}; what is finished is kept: run the same command again"
        ) from error


def _ours(error: BaseException | None) -> SearchEngineError | None:
    """The error of this project that a Ray error was made of, if any."""
    while error is not None:
        if isinstance(error, SearchEngineError):
            return type(error).__mro__[_own(error)](*error.args)
        error = getattr(error, "cause", None) or error.__cause__
    return None


def _own(error: SearchEngineError) -> int:
    """Past the class that Ray makes up of two."""
    return next(i for i, one in enumerate(type(error).__mro__) if one.__module__ == "passage_index.errors")
