"""Who has bought what, and which plan that gives."""
