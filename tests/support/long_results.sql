-- What runs leave behind, as long as anybody has it.
UPDATE jobs.ai_generations SET cost = 123456.78, input_tokens = 987654321, output_tokens = 987654321, model = 'gpt-6-luna-2026-11-28-extended-reasoning-preview';
UPDATE jobs.error_groups SET message = 'otorrinolaringologicamenteincomparavelmentedemoradissimo' || repeat(' e mais uma frase longa', 12);
