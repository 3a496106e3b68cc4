"""What all nodes must agree on: the encoder, how articles are cut, the form of shards.

Knows nothing of Ray. Recipe -> its key, which stands in the name of everything that is made by it
"""

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from indexer.chunking import Chunking
from indexer.cluster.shards import FORMAT
from passage_index.encoder import EncoderIdentity, require_same_encoder
from passage_index.transformer import TransformerEncoder, load_encoder

Device = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How shards are made. `cache` is a folder of each node; None for the user's own there."""

    folder: Path
    model: str
    identity: EncoderIdentity
    chunking: Chunking
    cache: Path | None = None
    device: Device = "cpu"

    @property
    def key(self) -> str:
        """Hex digits over all that decides what is in a shard."""
        parts = self.to_json()
        del parts["encoder"]["name"]
        return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """What decides what is in a shard, for people."""
        return {"format": FORMAT, "encoder": self.identity.to_json(), "chunking": asdict(self.chunking)}


def load(recipe: Recipe, threads: int) -> TransformerEncoder:
    """The recipe's encoder on this node, on `threads` threads or the node's GPU.

    Raises EncoderMismatch where the node has another one under the same name, EncoderUnavailable.
    """
    if recipe.device == "gpu":
        encoder = load_encoder(recipe.model, recipe.cache, runtime="torch", device="cuda")
    else:
        encoder = load_encoder(recipe.model, recipe.cache, threads=threads)
    require_same_encoder(recipe.identity, encoder.identity)
    return encoder
