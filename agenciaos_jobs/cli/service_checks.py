"""Findings of ``check`` about Redis, OpenAI and the payment providers."""

from collections.abc import AsyncIterator

from agenciaos_jobs.ai_content.openai.errors import KeyRefusedError, ModelMissingError
from agenciaos_jobs.cli.checks import Finding
from agenciaos_jobs.engine import queue, queue_probe
from agenciaos_jobs.engine.model.job import GiveUp, RetryLater
from agenciaos_jobs.engine.queue import Queue
from agenciaos_jobs.engine.queue_probe import UnusableQueueError
from agenciaos_jobs.foundation.clock import SystemClock
from agenciaos_jobs.foundation.i18n.text import Text
from agenciaos_jobs.payments.providers import PROVIDERS
from agenciaos_jobs.resources import model_of
from agenciaos_jobs.settings import Settings

_QUEUE = Text("fila", "queue")
_UNCHECKED = Text(
    "não foi possível conferir ({error}): {url} está acessível?", "could not be checked ({error}): is {url} reachable?"
)


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """The findings about the services besides Postgres."""
    yield await _queue(settings)
    yield await _openai(settings)
    async for finding in _providers(settings):
        yield finding


async def _queue(settings: Settings) -> Finding:
    if settings.redis_url is None:
        text = Text(
            "não definida: aponte para um Redis, ou use `agenciaos-jobs dev`",
            "not set: give it a Redis, or run `agenciaos-jobs dev`",
        )
        return Finding("fault", "REDIS_URL", text)
    client = Queue(queue.connect(settings.redis_url.get_secret_value(), settings.redis_tls_verify))
    try:
        await queue_probe.probe(client.redis)
    except UnusableQueueError as error:
        return Finding("fault", _QUEUE, error.text)
    except queue.UNAVAILABLE as error:
        text = Text(
            "não responde ({error}): confira REDIS_URL; as execuções são guardadas e seguem quando voltar",
            "no response ({error}): check REDIS_URL; runs are stored, and sent once it is back",
        )
        return Finding("fault", _QUEUE, text.format(error=type(error).__name__))
    finally:
        await client.close()
    return Finding(
        "ok", _QUEUE, Text("executa os scripts e leva as mensagens", "runs the scripts, and carries messages")
    )


async def _openai(settings: Settings) -> Finding:
    name = "OPENAI_API_KEY"
    if settings.openai_api_key is None:
        text = Text(
            "não definida: execuções de IA falham com openai_not_configured",
            "not set: AI runs fail with openai_not_configured",
        )
        return Finding("warning", name, text)
    if settings.openai_api_key.get_secret_value() == "stand-in":
        text = Text(
            "um servidor local responde no lugar da OpenAI: defina uma chave para usar um modelo",
            "the local stand-in answers: set a key to use a model",
        )
        return Finding("warning", name, text)
    model = model_of(settings, SystemClock())
    try:
        await model.check()
    except KeyRefusedError:
        text = Text("recusada por {url}: crie outra", "refused by {url}: make a new key")
        return Finding("fault", name, text.format(url=settings.openai_base_url))
    except ModelMissingError:
        text = Text(
            "{model} não está disponível com esta chave: escolha outro",
            "{model} is not available with this key: choose another",
        )
        return Finding("fault", "OPENAI_MODEL", text.format(model=settings.openai_model))
    except (GiveUp, RetryLater) as error:
        return Finding("warning", name, _UNCHECKED.format(error=error, url=settings.openai_base_url))
    finally:
        await model.close()
    text = Text("aceita, {model} está disponível", "accepted, {model} is available")
    return Finding("ok", name, text.format(model=settings.openai_model))


async def _providers(settings: Settings) -> AsyncIterator[Finding]:
    for kind in PROVIDERS:
        provider = kind(settings, SystemClock())
        try:
            async for state, name, text in provider.check():
                yield Finding(state, name, text)
        finally:
            await provider.close()
