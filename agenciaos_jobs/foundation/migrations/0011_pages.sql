-- What the dashboard's pages about agencies and payments read.

CREATE INDEX ai_generations_by_agency ON jobs.ai_generations (agency_id, created_at) INCLUDE (status, agent_type, cost);
CREATE INDEX payment_events_of_agency ON jobs.payment_events (agency_id, id);
CREATE INDEX payment_events_by_action ON jobs.payment_events (action, id);

-- How many agencies a fault has met is told without a look at the runs.
DROP INDEX jobs.runs_by_error_group;
CREATE INDEX runs_by_error_group ON jobs.runs (error_group, finished_at) INCLUDE (agency_id) WHERE error_group IS NOT NULL;
