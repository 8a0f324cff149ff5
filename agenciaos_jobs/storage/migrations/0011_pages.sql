-- What the dashboard's pages about agencies and payments read.

CREATE INDEX ai_generations_by_agency ON jobs.ai_generations (agency_id, created_at) INCLUDE (status, agent_type, cost);
CREATE INDEX payment_events_of_agency ON jobs.payment_events (agency_id, id);
CREATE INDEX payment_events_by_action ON jobs.payment_events (action, id);
