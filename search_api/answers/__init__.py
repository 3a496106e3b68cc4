"""From ranked passages to a sentence that answers, with its proof; or a plain no."""
