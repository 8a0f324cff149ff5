"""Everything that lets one command run without a server installed. Production imports none of it."""
