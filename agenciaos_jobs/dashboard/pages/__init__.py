"""One module per page: its view, its handlers and its routes."""
