"""arq as the worker's host: the only folder that imports arq."""
