"""The one-command stack that needs no installed server. Production imports none of it."""
