-- What the dashboard's pages about agencies read.

CREATE INDEX ai_generations_by_agency ON jobs.ai_generations (agency_id, created_at) INCLUDE (status, agent_type, cost);
