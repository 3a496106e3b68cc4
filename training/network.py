"""The reader: a small BERT over a question and a passage, with three heads.

(batch, tokens) ids -> relevance (batch,), answerable (batch,), start and end of the answer (batch, tokens)
"""

from pathlib import Path
from typing import Any

import torch
from transformers import BertModel


class ReaderNetwork(torch.nn.Module):
    """Raw values; nothing is masked, and no sigmoid or softmax taken."""

    def __init__(self, folder: Path) -> None:
        """folder: the model whose weights it begins with."""
        super().__init__()
        self.bert: Any = BertModel.from_pretrained(
            folder, add_pooling_layer=False, attn_implementation="sdpa", local_files_only=True,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        width = self.bert.config.hidden_size
        self.judge = torch.nn.Linear(width, 2)  # of the first token: relevance, answerable
        self.span = torch.nn.Linear(width, 2)  # of every token: start, end
        self.bert.embeddings.requires_grad_(False)

    def forward(self, ids: Any, kinds: Any, mask: Any) -> tuple[Any, Any, Any, Any]:
        """ids, kinds (0 question, 1 passage), mask: (batch, tokens) int64."""
        states = self.bert(input_ids=ids, token_type_ids=kinds, attention_mask=mask, return_dict=False)[0]
        judged, spans = self.judge(states[:, 0].float()), self.span(states.float())
        return judged[:, 0], judged[:, 1], spans[..., 0], spans[..., 1]
