"""What AI costs: the page, its rows as a file, and the message to an agency's owner."""
