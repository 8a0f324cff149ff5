"""One module a page: its view, its handlers and its paths."""
