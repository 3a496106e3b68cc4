"""An answer in a language model's words, of which only what can be checked is kept."""
