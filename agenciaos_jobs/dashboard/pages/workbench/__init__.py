"""The workbench for generated content: what to write, the result, its variations, and files made from it."""
