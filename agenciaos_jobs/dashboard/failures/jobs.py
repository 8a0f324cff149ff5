"""The failures of this package's jobs, by their codes."""

from agenciaos_jobs.dashboard.failures.words import words

_NO_CREDIT = words(
    "A conta da OpenAI está sem crédito.",
    "The OpenAI account is out of credit.",
    "Ponha crédito na conta ou aumente o limite dela; depois repita as execuções.",
    "Add credit to the account or raise its limit; then replay the runs.",
)
_NO_MODEL_SERVICE = words(
    "A OpenAI não respondeu como devia.",
    "OpenAI did not answer as it should.",
    "Veja status.openai.com. Quando voltar ao normal, repita a execução.",
    "See status.openai.com. Once it is back to normal, replay the run.",
)
_NO_GURU = words(
    "A Guru não respondeu como devia.",
    "Guru did not answer as it should.",
    "A conferência diária aplica o que faltou. Para não esperar, repita a execução quando a Guru voltar.",
    "The daily reconciliation applies what is missing. To have it sooner, replay the run once Guru is back.",
)
_BAD_ANSWER = words(
    "A IA respondeu num formato inválido, mais de uma vez.",
    "The AI's answers had an invalid format, more than once.",
    "Repita a execução. Se continuar, simplifique o pedido ou troque OPENAI_MODEL.",
    "Replay the run. If it persists, simplify the request or change OPENAI_MODEL.",
)
_SMTP = words(
    "O servidor de e-mail não aceitou o alerta.",
    "The mail server did not accept the alert.",
    "Confira SMTP_URL e os destinatários com agenciaos-jobs alerts test.",
    "Check SMTP_URL and the recipients with agenciaos-jobs alerts test.",
)
_SLACK = words(
    "O Slack não aceitou o alerta.",
    "Slack did not accept the alert.",
    "Confira SLACK_WEBHOOK_URL com agenciaos-jobs alerts test; o webhook pode ter sido removido.",
    "Check SLACK_WEBHOOK_URL with agenciaos-jobs alerts test; the webhook may have been removed.",
)
_WEBHOOK = words(
    "O receptor não aceitou o alerta.",
    "The receiver did not accept the alert.",
    "Confira ALERT_WEBHOOK_URL e o receptor com agenciaos-jobs alerts test.",
    "Check ALERT_WEBHOOK_URL and its receiver with agenciaos-jobs alerts test.",
)

WORDS = {
    "plan_limit_reached": words(
        "A agência já usou todas as gerações de IA do mês.",
        "The agency has used all of the month's AI generations.",
        "Espere o mês virar, mude o plano da agência ou aumente o limite dele em PLANS.",
        "Wait for the next month, change the agency's plan, or raise its limit in PLANS.",
    ),
    "agency_not_found": words(
        "A agência não existe, ou foi apagada.",
        "The agency does not exist, or was deleted.",
        "Confira o agencyId que a aplicação enviou. Repetir não adianta enquanto a agência não existir.",
        "Check the agencyId that the application sent. A replay is of no use while there is no such agency.",
    ),
    "output_limits_exceeded": words(
        "O texto da IA não coube nos limites do agente, mesmo depois de uma correção.",
        "The AI's text broke the agent's limits, even after a correction.",
        "Repita a execução. Se continuar, encurte o pedido.",
        "Replay the run. If it persists, ask for less.",
    ),
    "output_not_json": _BAD_ANSWER,
    "output_truncated": words(
        "O texto ficou longo demais e a IA o cortou.",
        "The text became too long, and the AI cut it off.",
        "Peça algo mais curto com “Editar e repetir”.",
        "Ask for something shorter with “Edit and replay”.",
    ),
    "content_filtered": words(
        "O filtro de conteúdo da OpenAI barrou o texto.",
        "OpenAI's content filter stopped the text.",
        "Reveja o pedido com a agência; repetir igual não adianta.",
        "Revise the request with the agency; replaying it unchanged is of no use.",
    ),
    "model_refused": words(
        "A IA se recusou a escrever este conteúdo.",
        "The AI refused to write this.",
        "Reveja o pedido com a agência; repetir igual não adianta.",
        "Revise the request with the agency; replaying it unchanged is of no use.",
    ),
    "openai_not_configured": words(
        "A OpenAI não está configurada.",
        "OpenAI is not configured.",
        "Defina OPENAI_API_KEY nos workers e confira com agenciaos-jobs check; depois repita.",
        "Set OPENAI_API_KEY on the workers and verify it with agenciaos-jobs check; then replay.",
    ),
    "openai_invalid_api_key": words(
        "A OpenAI recusou a chave.",
        "OpenAI refused the key.",
        "Crie outra chave, troque OPENAI_API_KEY nos workers e repita as execuções.",
        "Make a new key, change OPENAI_API_KEY on the workers, and replay the runs.",
    ),
    "openai_insufficient_quota": _NO_CREDIT,
    "openai_billing_hard_limit_reached": _NO_CREDIT,
    "openai_model_not_found": words(
        "O modelo não existe, ou a chave não tem acesso a ele.",
        "The model does not exist, or the key has no access to it.",
        "Escolha outro em OPENAI_MODEL e confira com agenciaos-jobs check; depois repita.",
        "Choose another as OPENAI_MODEL and verify it with agenciaos-jobs check; then replay.",
    ),
    "openai_rate_limit_exceeded": words(
        "A OpenAI limitou os pedidos desta conta.",
        "OpenAI limited this account's requests.",
        "Repita daqui a alguns minutos. Se acontecer sempre, peça um limite maior ou use menos WORKER_MAX_JOBS.",
        "Replay in a few minutes. If it keeps happening, ask for a higher limit or lower WORKER_MAX_JOBS.",
    ),
    "unknown_agency": words(
        "O pagamento cita uma agência que não existe.",
        "The payment names an agency that does not exist.",
        "Confira o customerId enviado pela aplicação. O plano de nenhuma agência mudou.",
        "Check the customerId that the application sent. No agency's plan has changed.",
    ),
    "unknown_product": words(
        "O produto pago não está em PLAN_PRODUCTS.",
        "The paid product is not in PLAN_PRODUCTS.",
        "Acrescente o produto a PLAN_PRODUCTS e repita a execução; até lá o plano não muda.",
        "Add the product to PLAN_PRODUCTS and replay the run; until then the plan does not change.",
    ),
    "rejected": words(
        "O pagamento foi recusado.",
        "The payment was rejected.",
        "Leia o motivo abaixo; o plano não mudou.",
        "Read the reason below; the plan has not changed.",
    ),
    "not_confirmed": words(
        "A Guru não confirmou o que o webhook disse.",
        "Guru did not confirm what the webhook reported.",
        "Confira o pagamento na Guru antes de mudar o plano à mão.",
        "Check the payment in Guru before changing the plan by hand.",
    ),
    "plan_changed_meanwhile": words(
        "O plano da agência mudou durante a conferência com a Guru.",
        "The agency's plan changed while Guru was being asked.",
        "Repita a execução: ela confere de novo.",
        "Replay the run: it checks again.",
    ),
    "month_in_future": words(
        "O mês pedido ainda não começou.",
        "The requested month has not begun.",
        "Corrija o mês com “Editar e repetir”.",
        "Correct the month with “Edit and replay”.",
    ),
    "unknown_notice": words(
        "O alerta a enviar não existe mais.",
        "The alert to be sent no longer exists.",
        "Nada a fazer: os avisos são guardados por 90 dias.",
        "Nothing to do: notices are kept for 90 days.",
    ),
    "channel_not_configured": words(
        "O canal deste alerta não está mais configurado.",
        "This alert's channel is no longer configured.",
        "Defina as variáveis do canal nos workers (docs/alerts.md), ou tire-o de ALERTS_FILE.",
        "Set the channel's variables on the workers (docs/alerts.md), or remove it from ALERTS_FILE.",
    ),
    "webhook_address_private": words(
        "O endereço do webhook de alertas é de uma rede privada.",
        "The alert webhook's address is in a private network.",
        "Use um endereço público em ALERT_WEBHOOK_URL (docs/security.md).",
        "Use a public address as ALERT_WEBHOOK_URL (docs/security.md).",
    ),
    "ai_wait_limit_reached": words(
        "A execução esperou pela OpenAI até o limite.",
        "The run waited for OpenAI up to the limit.",
        "Veja status.openai.com e os limites da conta. Repita depois, ou aumente AI_WAIT_LIMIT.",
        "See status.openai.com and the account's limits. Replay later, or raise AI_WAIT_LIMIT.",
    ),
    "payment_wait_limit_reached": words(
        "A execução esperou pelo provedor de pagamento até o limite.",
        "The run waited for the payment provider up to the limit.",
        "Veja se a API do provedor voltou. A conferência da noite compara os planos de novo.",
        "See whether the provider's API is back. The nightly reconciliation compares the plans again.",
    ),
    "unknown_plan": words(
        "O plano da agência não está em PLANS.",
        "The agency's plan is not in PLANS.",
        "Acrescente o plano a PLANS, ou corrija o da agência; depois repita a execução.",
        "Add the plan to PLANS, or correct the agency's; then replay the run.",
    ),
    "report_delivery_off": words(
        "O envio deste relatório foi desligado.",
        "The delivery of this report has been switched off.",
        "Para enviar, defina REPORT_EMAIL=1 ou REPORT_WEBHOOK_URL nos workers e repita a execução.",
        "To deliver it, set REPORT_EMAIL=1 or REPORT_WEBHOOK_URL on the workers, and replay the run.",
    ),
    "report_not_found": words(
        "O relatório a enviar não existe mais.",
        "The report to be delivered no longer exists.",
        "Gere o mês de novo com “Gerar de novo”, na página do relatório.",
        "Generate the month again with “Generate again” on the report's page.",
    ),
    "generation_failed": _NO_MODEL_SERVICE,
    "response_gone": _NO_MODEL_SERVICE,
}

FAMILIES = {
    "openai_": _NO_MODEL_SERVICE,
    "upstream_": _NO_MODEL_SERVICE,
    "guru_": _NO_GURU,
    "smtp_": _SMTP,
    "slack_": _SLACK,
    "webhook_": _WEBHOOK,
}
"""The words for codes that end in what a service answered, by how they begin."""
