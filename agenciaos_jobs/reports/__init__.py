"""The month's figures of every agency."""
