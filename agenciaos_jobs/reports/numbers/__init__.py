"""What a report's figures mean. Pure: no I/O."""
