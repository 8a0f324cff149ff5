"""Every page of the dashboard, and how a person gets there."""

from collections.abc import Callable, Mapping

from agenciaos_jobs.dashboard import navigation
from agenciaos_jobs.people.role import Role
from agenciaos_jobs.registry import OFFERED
from support.chromium import Chromium, Site

Visit = Callable[[Chromium], None]

EMPTY = (
    *("/runs?q=nothing", "/runs?task=none", "/runs?agency=a", "/runs?agency=nobody&from=2026-11-01&to=2026-11-30"),
    *("/errors?state=resolved", "/agencies?q=nobody", "/alerts?kind=no_workers"),
    *("/reports?month=2001-01", "/reports/2001-01/agency-123", "/payments?action=ignored"),
    "/costs?agency=nobody",
)
"""Lists that show nothing."""


def every_page(site: Site, story: Mapping[str, str]) -> dict[str, Visit]:
    """By its name, how each page that a person may see is opened; those that take a login."""
    menu = [entry.path for entry in navigation.menu(site.service.app, Role.ADMIN)]
    runs = [f"/runs/{story[name]}" for name in ("written", "failed", "delayed", "paid", "busy", "approved")]
    bulk, edit, report = f"/bulk/{story['bulk']}", f"/runs/{story['failed']}/edit", "/reports/2026-10/agency-123"
    others = [
        "/?period=7d",
        "/?period=30d",
        "/runs?status=failures",
        "/runs?q=smartphone&queue=task/none",
        *(f"/test?task={task}" for task in OFFERED),
    ]
    costs = ["/costs?by=all&sort=change", "/costs?month=2026-10", "/costs/message/agency-123"]
    contents = [f"/workbench/runs/{story[name]}" for name in ("written", "varied")]
    contents += [f"{contents[1]}?with={story['written']}", f"/workbench?from={story['written']}"]
    contents += [f"/workbench?agency=agency-123&agent={slug}" for slug in ("copy-generator", "blog-complete")]
    agencies = ["/agencies/agency-123", "/agencies/agency-124"]
    reference = [f"/docs/{tag}" for tag in ("triggers", "runs")]
    wrong = ["/no-such-page", "/runs/run_gone", "/payments/999999"]
    paths = [*menu, *runs, bulk, edit, report, *others, *agencies, *costs, *contents, *reference, *EMPTY, *wrong]
    return {path: lambda window, path=path: window.go(path) for path in paths} | {
        "an error group": lambda window: window.go(window.leads_on("/errors")),
        "the failures of a bar": _failures_of_a_bar,
        "an alert": lambda window: window.go(window.leads_on("/alerts")),
        "a saved view": _saved_view,
        "a payment without an agency": lambda window: window.go(_waiting_payment(window)),
        "a payment with an agency": lambda window: window.go(window.leads_on("/payments?agency=agency-124")),
        "a payment given to nobody": _wrongly_assigned,
        "may all be replayed?": lambda window: _asked(window, "/runs?tag=verão", "replay-all"),
        "may all be canceled?": lambda window: _asked(window, "/runs?status=open", "cancel-all"),
        "nothing to cancel": lambda window: _asked(window, "/runs?status=COMPLETED", "cancel-all"),
        "may a group be replayed?": _group_asked,
        "a payload that is refused": lambda window: _refused_payload(window, edit),
        "a form that is refused": _refused_form,
        "an agent's form that is refused": _refused_agent_form,
        "an approval": lambda window: _approval(window, f"/runs/{story['approved']}"),
    }


def _waiting_payment(window: Chromium) -> str:
    window.go("/payments")
    return window.link(".waiting .line-main a")


def _wrongly_assigned(window: Chromium) -> None:
    window.go(_waiting_payment(window))
    window.find("#assign").send_keys("nobody")
    window.click(".assign button")
    window.sees("Não existe agência com este id")


def _saved_view(window: Chromium) -> None:
    window.go("/runs?q=smartphone&agency=agency-123")
    window.click(".views summary")
    window.find("#view-name").send_keys("Uma visão com um nome bem comprido, para todos os operadores")
    window.click(".views-save button")
    window.sees("Visão salva")
    window.click(".views summary")


def _asked(window: Chromium, path: str, action: str) -> None:
    window.go(path)
    window.click(".bulk-all summary")
    window.click(f"[value={action}]")
    window.until(lambda: window.path == "/runs/bulk")


def _failures_of_a_bar(window: Chromium) -> None:
    window.go(window.leads_on("/errors"))
    path = window.path.partition("?")[0]
    window.go(path + window.link(".chart-table tbody a").removeprefix(path))
    window.sees("Repetir só essas")


def _group_asked(window: Chromium) -> None:
    window.go(window.leads_on("/errors"))
    window.click("[data-part=actions] [data-key=r]")
    window.until(lambda: window.path.endswith("/replay"))


def _refused_payload(window: Chromium, edit: str) -> None:
    window.go(edit)
    window.find("#payload").clear()
    window.find("#payload").send_keys("{")
    window.click("main .button.primary")
    window.sees("não é JSON válido")


def _approval(window: Chromium, run: str) -> None:
    window.go(run)
    window.go(window.link("[data-part=tokens] a.button"))
    window.find("#output").send_keys("{")
    window.click("main .button.primary")
    window.sees("não é JSON válido")


def _refused_form(window: Chromium) -> None:
    window.go("/test?task=generate-monthly-reports&month=soon")
    window.click("main .button.primary")
    window.sees("Há campos a corrigir")


def _refused_agent_form(window: Chromium) -> None:
    window.go("/workbench?agency=agency-123&agent=copy-generator")
    window.click("main .button.primary")
    window.sees("Há campos a corrigir")
