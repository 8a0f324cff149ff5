"""The durable job systems on Postgres that the suite ``durable`` measures beside ours."""
