"""The failures of any job, by their codes."""

from agenciaos_jobs.dashboard.failures.words import words

ENGINE = {
    "invalid_payload": words(
        "O payload não é o que este job espera.",
        "The payload is not what this job expects.",
        "Corrija os campos abaixo com “Editar e repetir”. Se todos falham assim, corrija a aplicação.",
        "Correct the fields below with “Edit and replay”. If all runs fail like this, correct the application.",
    ),
    "unknown_task": words(
        "Os workers não têm um job com este nome.",
        "The workers have no job of this name.",
        "O worker é de uma versão anterior, ou falta um módulo em JOBS_MODULES. Corrija e repita.",
        "The worker is of another release, or JOBS_MODULES lacks a module. Correct that and replay.",
    ),
    "worker_lost": words(
        "O worker parou no meio da tentativa.",
        "The worker stopped in the middle of the attempt.",
        "Veja se faltou memória ou se a máquina reiniciou (log do worker, eventos da plataforma). Depois repita.",
        "Check for a lack of memory or a restart (the worker's log, the platform's events). Then replay.",
    ),
    "expired": words(
        "A execução não começou dentro do prazo dela (ttl).",
        "The run did not start within its time to live (ttl).",
        "Faltaram workers livres: suba mais um, ou peça um ttl maior. Repita se ainda fizer sentido.",
        "There were no free workers: start another, or ask for a longer ttl. Replay if it still makes sense.",
    ),
    "MaxDurationExceeded": words(
        "A tentativa passou do tempo máximo.",
        "The attempt exceeded its maximum duration.",
        "Veja no log onde ela parou. Um serviço lento explica; senão aumente max_duration do job.",
        "See in the log where it stopped. A slow service explains it; else raise the job's max_duration.",
    ),
    "output_too_large": words(
        "O resultado é grande demais para ser guardado.",
        "The output is too large to be stored.",
        "Guarde o conteúdo em outro lugar e devolva só a referência.",
        "Store the content elsewhere, and return only a reference to it.",
    ),
    "not_recorded": words(
        "A tentativa falhou, e o erro não pôde ser gravado.",
        "The attempt failed, and its error could not be stored.",
        "O erro está no log do worker, no evento failure_not_recorded.",
        "The error is in the worker's log, in the event failure_not_recorded.",
    ),
}
