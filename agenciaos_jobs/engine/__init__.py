"""The life of a run: taken in, queued, run, and put right where something broke."""
