"""The Next.js example: its routes run on Node, against the service, as the application's pages call them."""

import shutil
from pathlib import Path

import pytest
from support.node import SCRIPTS, SDK_LINES, needs_node, run_node
from support.service import Service

EXAMPLE = Path(__file__).parents[2] / "examples" / "nextjs"
NEXT_AUTH = "export const getServerSession = async () => globalThis.session ?? null;\n"


@pytest.fixture
def application(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The example beside an SDK and a stand-in for NextAuth."""
    folder = tmp_path / "application"
    shutil.copytree(EXAMPLE, folder)
    (folder / "src" / "lib" / "auth.js").write_text("export const authOptions = {};\n")
    modules = folder / "node_modules"
    (modules / "next-auth").mkdir(parents=True)
    (modules / "next-auth" / "index.mjs").write_text(NEXT_AUTH)
    (modules / "next-auth" / "package.json").write_text('{"name": "next-auth", "exports": "./index.mjs"}')
    (modules / "@trigger.dev").mkdir()
    (modules / "@trigger.dev" / "sdk").symlink_to(SCRIPTS / "node_modules" / request.param)
    return folder


@needs_node
@pytest.mark.parametrize("application", SDK_LINES, indirect=True)
async def test_the_application_s_routes_start_jobs_for_the_session_s_agency(service: Service, application: Path):
    seen = await run_node(service, "nextjs.mjs", "sdk4", str(application))
    assert seen["nobody"] == {"status": 401, "body": {"error": "Não autorizado"}}
    assert seen["unknown"] == {"status": 400, "body": {"error": "Tipo de job não reconhecido"}}
    assert seen["shapeless"] == {"status": 400, "body": {"error": "Informe agentType e input"}}
    assert seen["missing"]["status"] == 422
    assert "faltam campos obrigatórios: objective, tone" in seen["missing"]["body"]["error"]
    assert seen["started"]["status"] == seen["report"]["status"] == 200
    assert seen["started"]["body"]["message"] == "Geração de conteúdo iniciada"
    shown = seen["shown"]["body"]
    assert (shown["status"], shown["jobId"]) == ("COMPLETED", seen["started"]["body"]["jobId"])
    assert shown["output"]["copies"].startswith("## Títulos")
    assert seen["follows"] == 200
    assert seen["copies"]["body"] == {
        "success": True, "copies": shown["output"]["copies"], "message": "Copies geradas com sucesso",
    }  # fmt: skip
    assert seen["others"] == seen["none"] == {"status": 404, "body": {"error": "Execução não encontrada"}}
    assert seen["failed"] == {
        "status": 502,
        "body": {"success": False, "error": "Esta agência não existe mais.", "code": "agency_not_found"},
    }
    run = await service.run(shown["jobId"])
    assert (run["payload"]["agencyId"], run["payload"]["userId"]) == ("agency-123", "user-456")
    assert run["tags"] == ["agency:agency-123"]
