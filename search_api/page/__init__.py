"""The web page: templates, style, and the texts cut for them."""
