"""The arq adapter: the only package that imports arq.

What arq does: the ``arq`` command starts, watches and stops the worker process. It fires the cron jobs of declared
schedules. Its Redis keys and message format are the queue's, so stock arq workers interoperate, and stock arq producers
where the operator allows them (``ARQ_PRODUCERS``).

What arq does not do: dequeue runs (the dispatcher does), limit, retry or time them, or keep results. The engine does
that, with its state in Postgres.
"""
