"""The words of payment providers for what happened: one table for the application's own events.

Collected from the documentation of Stripe, Mercado Pago, Asaas, Hotmart and Kiwify, in English and Portuguese. A word
is matched without case, accents and punctuation, and without nouns such as ``payment`` before it.
"""

import re
import unicodedata
from enum import StrEnum


class Meaning(StrEnum):
    """The meaning of a word for a purchase, the most cautious first."""

    CHARGEBACK = "chargeback"
    DISPUTE = "dispute"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    CANCELED = "canceled"
    PASTDUE = "pastdue"
    UNPAID = "unpaid"
    PAID = "paid"
    NEUTRAL = "neutral"


_WORDS = {
    Meaning.CHARGEBACK: """
        chargeback charge_back charged_back chargedback estorno_chargeback contestado contestada
    """,
    Meaning.DISPUTE: """
        dispute disputed chargeback_dispute awaiting_chargeback_reversal in_mediation protest protested
        disputa em_disputa reclamado reclamada
    """,
    Meaning.REFUNDED: """
        refund refunded partially_refunded partial_refund refund_in_progress reversed
        reembolso reembolsado reembolsada estorno estornado estornada devolvido devolvida
    """,
    Meaning.EXPIRED: """
        expired ended finished expirado expirada encerrado encerrada
    """,
    Meaning.CANCELED: """
        cancel canceled cancelled cancellation cancelation deleted removed inactive inactivated deactivated terminated
        unsubscribed cancelado cancelada cancelamento inativo inativa
    """,
    Meaning.PASTDUE: """
        past_due pastdue overdue late delayed unpaid dunning in_recovery
        em_atraso atrasado atrasada atraso vencido vencida inadimplente
    """,
    Meaning.UNPAID: """
        pending waiting waiting_payment awaiting_payment in_process in_analysis analysis processing requires_action
        requires_payment_method incomplete incomplete_expired failed failure refused declined denied rejected blocked
        abandoned scheduled started trial trialing billet_printed billet_created pix_created session_expired
        awaiting_risk_analysis reproved_by_risk_analysis out_of_shopping_cart
        pendente aguardando_pagamento em_analise recusado recusada negado negada falhou boleto_gerado pix_gerado
        carrinho_abandonado
    """,
    Meaning.PAID: """
        paid approved complete completed confirmed received received_in_cash succeeded success captured authorized
        active activated renewed renewal reactivated aprovado aprovada pago paga confirmado confirmada recebido
        recebida renovado renovada ativo ativa
    """,
    Meaning.NEUTRAL: """
        created updated changed closed requested opened event webhook notification status criado atualizado
    """,
}
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words.split()}

_PREFIXES = """
    payment payments purchase order subscription invoice charge customer checkout session transaction sale billing
    preapproval club compra pagamento assinatura cobranca pedido fatura venda
"""
_NOUNS = frozenset(_PREFIXES.split())
_ORDER = list(Meaning)


def meaning_of(text: str) -> Meaning | None:
    """What an event or a status such as ``payment.refunded`` or ``PURCHASE_PROTEST`` says; ``None`` if unknown."""
    words = _normalised(text).split("_")
    while True:
        if found := _MEANINGS.get("_".join(words)):
            return found
        if words[0] in _NOUNS:
            words = words[1:]
        elif len(words) > 1 and _MEANINGS.get(words[-1]) is Meaning.NEUTRAL:
            words = words[:-1]
        else:
            return None
        if not words:
            return Meaning.NEUTRAL


def most_cautious(*meanings: Meaning) -> Meaning:
    return min(meanings, key=_ORDER.index)


def _normalised(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
