"""``agenciaos-jobs agents``: what each agent takes and answers."""

import click

from agenciaos_jobs.ai_content.agents import AGENTS, add_folder
from agenciaos_jobs.ai_content.agents.document import document
from agenciaos_jobs.settings import Settings


@click.command()
def agents() -> None:
    """Descreve os agentes, em Markdown / Describe the agents, in Markdown.

    docs/agents.md é esta saída, sem AGENTS_DIR / docs/agents.md is this output, without AGENTS_DIR.
    """
    add_folder(Settings.load().agents_dir)
    click.echo(document(AGENTS.values()), nl=False)
