"""The commands users list, add, role, password and disable."""

import sys
from collections.abc import Awaitable, Callable

import click
from rich.table import Table

from agenciaos_jobs.cli.common import Change, formatter, print_table, with_runtime
from agenciaos_jobs.foundation.i18n.terminal import t
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.people.store import users as stored
from agenciaos_jobs.people.store.users import User
from agenciaos_jobs.people.users import Users, normalized
from agenciaos_jobs.wiring import Runtime

_NAME = click.argument("name", metavar="NAME")


@click.group()
def users() -> None:
    """Usuários do painel: lista, cria, troca a senha, desativa / Dashboard users: list, add, password, disable.

    A senha é perguntada; num script, vem pela entrada padrão. / The password is asked for; a script gives it on
    standard input.
    """


@users.command("list")
def list_users() -> None:
    """Os usuários e seus papéis / The users and their roles."""

    async def fetch(runtime: Runtime) -> list[User]:
        return await stored.everyone(runtime.database)

    found = with_runtime(fetch)
    table, fmt = Table(box=None), formatter()
    for heading in (t("Usuário", "User"), t("Papel", "Role"), t("Criado", "Added"), t("Desativado", "Disabled")):
        table.add_column(heading, no_wrap=True)
    for user in found:
        disabled = fmt.moment(user.disabled_at) if user.disabled_at else ""
        table.add_row(user.name, user.role, fmt.moment(user.created_at), disabled)
    print_table(table, t("nenhum; todos entram com DASHBOARD_PASSWORD", "none; everybody uses DASHBOARD_PASSWORD"))


@users.command("add")
@_NAME
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.VIEWER.value,
    show_default=True,
    help="viewer só vê, operator age, admin também vê pessoas / viewer reads, operator acts, admin also sees people.",
)
def add(name: str, role: str) -> None:
    """Cria um usuário, ou reativa um desativado / Adds a user, or enables a disabled one."""
    password = _password()
    _change("add", name, lambda them: them.add(name, Role(role), password), role)
    click.echo(f"{normalized(name)}: {role}")


@users.command("role")
@_NAME
@click.argument("role", metavar="ROLE", type=click.Choice([role.value for role in Role]))
def change_role(name: str, role: str) -> None:
    """Troca o papel: viewer, operator ou admin / Changes the role: viewer, operator or admin."""
    _change("role", name, lambda them: them.change_role(name, Role(role)), role)
    click.echo(f"{normalized(name)}: {role}")


@users.command("password")
@_NAME
def password(name: str) -> None:
    """Troca a senha e encerra as sessões do usuário / Changes the password and ends the user's sessions."""
    given = _password()
    _change("password", name, lambda them: them.change_password(name, given))
    click.echo(f"{normalized(name)}: {t('senha trocada', 'password changed')}")


@users.command("disable")
@_NAME
def disable(name: str) -> None:
    """Desativa um usuário e encerra suas sessões / Disables a user and ends their sessions."""
    _change("disable", name, lambda them: them.disable(name))
    click.echo(f"{normalized(name)}: {t('desativado', 'disabled')}")


def _change(action: str, name: str, act: Callable[[Users], Awaitable[object]], detail: str = "") -> None:
    async def work(runtime: Runtime) -> object:
        return await act(Users(runtime.database, runtime.clock))

    with_runtime(work, Change[object](f"users/{action}", [normalized(name)], detail))


def _password() -> str:
    """The password, prompted for twice on a terminal, and otherwise read from standard input."""
    if sys.stdin.isatty():
        given: str = click.prompt(t("Senha", "Password"), hide_input=True, confirmation_prompt=t("De novo", "Again"))
        return given
    return sys.stdin.readline().rstrip("\r\n")
