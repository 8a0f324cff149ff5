"""``python -m agenciaos_jobs`` is ``agenciaos-jobs``."""

from agenciaos_jobs.cli import main

if __name__ == "__main__":
    main()
