"""The queries of the pages: one module per page, with an SQL file of the same name."""
