"""What the jobs around Guru's payments share."""
