"""Why a run failed, for operators: a sentence and what to do, by the error's code."""
