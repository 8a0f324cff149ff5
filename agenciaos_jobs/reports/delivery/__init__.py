"""Reports by e-mail and webhook."""
