"""The worker: dispatcher, runner, recorder, lease, heartbeat, watchdog, rescuer and pruner."""
