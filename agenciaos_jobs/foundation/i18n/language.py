"""The languages of the user interface, and the one that a reader prefers. Portuguese is the default."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

Language = Literal["pt", "en"]


@lru_cache(maxsize=256)
def preferred(accept_language: str) -> Language:
    """The language that ``Accept-Language`` prefers (RFC 9110 section 12.5.4); Portuguese if it names neither."""
    best: tuple[float, Language] = (0, "pt")
    for choice in accept_language.lower().split(","):
        tag, *parameters = (part.strip() for part in choice.split(";"))
        weight = next((_number(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
        for language in ("pt", "en"):
            if tag.split("-")[0] == language and weight > best[0]:
                best = (weight, language)
    return best[1]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0


def field_message(kind: str, english: str, context: Mapping[str, Any], language: Language) -> str:
    """A validation message; the English one if there is no Portuguese translation."""
    template = _PORTUGUESE.get(kind) if language == "pt" else None
    return template.format(**context) if template else english


_PORTUGUESE = {
    "missing": "campo obrigatório",
    "extra_forbidden": "campo desconhecido",
    "model_type": "deve ser um objeto",
    "model_attributes_type": "deve ser um objeto",
    "dict_type": "deve ser um objeto",
    "list_type": "deve ser uma lista",
    "string_type": "deve ser um texto",
    "string_too_short": "deve ter pelo menos {min_length} caractere(s)",
    "string_too_long": "deve ter no máximo {max_length} caracteres",
    "string_pattern_mismatch": "não segue o padrão {pattern}",
    "too_long": "deve ter no máximo {max_length} itens; tem {actual_length}",
    "too_short": "deve ter pelo menos {min_length} itens; tem {actual_length}",
    "int_type": "deve ser um número inteiro",
    "int_parsing": "deve ser um número inteiro",
    "int_from_float": "deve ser um número inteiro",
    "float_type": "deve ser um número",
    "float_parsing": "deve ser um número",
    "decimal_type": "deve ser um número ou um texto com um número",
    "decimal_parsing": "deve ser um número decimal",
    "decimal_max_digits": "deve ter no máximo {max_digits} dígitos",
    "decimal_max_places": "deve ter no máximo {decimal_places} casas decimais",
    "decimal_whole_digits": "deve ter no máximo {whole_digits} dígitos antes da vírgula",
    "finite_number": "deve ser um número finito",
    "bool_type": "deve ser verdadeiro ou falso",
    "bool_parsing": "deve ser verdadeiro ou falso",
    "datetime_type": "deve ser uma data e hora",
    "datetime_parsing": "deve ser uma data e hora em ISO 8601",
    "datetime_from_date_parsing": "deve ser uma data e hora em ISO 8601",
    "timezone_aware": "deve trazer o fuso horário",
    "greater_than_equal": "deve ser maior ou igual a {ge}",
    "less_than_equal": "deve ser menor ou igual a {le}",
    "cron": "deve ser uma expressão cron de cinco campos que tenha uma próxima hora, como 0 6 1 * *",
    "timezone": "deve ser um fuso horário da IANA, como America/Sao_Paulo",
    "unschedulable": "não pode ser agendada: o payload dela precisa de {needed}",
    "literal_error": "deve ser um destes: {expected}",
    "unknown_agent": "deve ser um destes: {expected}",
    "input_empty": "pelo menos um campo deve ter valor",
    "input_value_too_long": "{name} tem {size} caracteres; o máximo é {limit}",
    "input_too_long": "tem {size} caracteres ao todo; o máximo é {limit}",
    "input_missing": "faltam campos obrigatórios: {names}",
    "variation_of_no_text": "path não leva a um texto que o agente escreve",
    "variation_unfit": "data está fora dos limites do agente: {problem}",
    "month": "deve ser um mês como 2026-10",
    "delay": "deve ser uma duração, como 90s, 1h ou 1d2h30m, ou uma data em ISO 8601, a no máximo cinco anos",
    "duration": "deve ser uma duração, como 90s, 1h ou 1d2h30m, de no máximo cinco anos",
    "delay_too_short": "deve ser de pelo menos 1s",
    "whole_number": "deve ser um número inteiro de 1 a {most}",
    "event_id": "não é o id de um evento deste stream",
    "either_filter_or_ids": "envie ou filter ou runIds",
    "no_criterion": "deve ter pelo menos um critério",
    "too_many_runs": "abrange mais de {most} execuções; restrinja mais",
    "too_many_tags": "a execução teria {count} tags; o máximo é {limit}",
    "page_size": "deve ser um número de 1 a {most}",
    "not_supported": "não é aceito aqui",
    "metadata_too_large": "deve ter no máximo 256 KB",
    "payload_type": "não é {kind}",
    "unknown_packet": "não é um payload enviado antes, ou já expirou",
    "not_utf8": "deve ser um texto em UTF-8",
    "nul_character": "não pode conter o caractere nulo (U+0000)",
    "lone_surrogate": "não pode conter metade de um par substituto",
    "too_deep": "não pode ter mais de {limit} níveis",
    "not_json": "não é JSON: {detail}",
}
