"""The worker: dispatcher, runner, recorder, heartbeat, rescuer and pruner."""
