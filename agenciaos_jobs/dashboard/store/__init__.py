"""What a page reads: one module and one file of SQL of the same name."""
