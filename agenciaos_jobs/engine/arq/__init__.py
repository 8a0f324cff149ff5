"""arq, confined: this is the only folder that imports it.

What arq does here: it hosts the worker (the ``arq`` command starts, watches and stops the process), fires the cron jobs
that the jobs' own schedules make, and its keys and messages in Redis are the queue's wire, so that stock arq producers
and workers interoperate.

What it does not: it neither takes runs out of the queue (the dispatcher does), nor limits, retries or times them, nor
keeps results. Postgres holds all of that.
"""
