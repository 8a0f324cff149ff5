"""What alerts are about and what to try, in English: for the dashboard, whose reader may have chosen it."""

from collections.abc import Mapping

from agenciaos_jobs.alerts.alert import Kind

EXPLANATIONS: Mapping[Kind, tuple[str, str]] = {
    Kind.RUN_FAILED: (
        "{name}: {message}",
        "Open the run, read its error and its log. Once the cause is mended, replay it here or with "
        "agenciaos-jobs runs replay.",
    ),
    Kind.ERROR_NEW: (
        "{message}",
        "See the affected agencies and the error's stack. Did something change of late? Consider going back a version.",
    ),
    Kind.ERROR_BACK: (
        "{message}",
        "The fix was not enough, or the last version lost it. Compare with the runs from before it was resolved.",
    ),
    Kind.FAILURE_RATE: (
        "{failed} of {ended} runs failed within the last {window}.",
        "One error in most of them points to a service outside (OpenAI, Guru) or to the last version. Look at it.",
    ),
    Kind.QUEUE_AGE: (
        "{depth} runs are due; the oldest has waited for {age}.",
        "Are workers alive? (agenciaos-jobs check) If all are busy, start one more or raise WORKER_MAX_JOBS.",
    ),
    Kind.SCHEDULE_MISSED: (
        "What was due at {slot} fired only {age} later; its run has started.",
        "No worker was alive at that time: see why they stopped. There is nothing to replay.",
    ),
    Kind.WORKER_LOST: (
        "No sign of it since {seen}. What it was executing starts again on another worker.",
        "See on the platform whether it ran out of memory or was killed without SIGTERM; if it happens again, see "
        "what it was executing.",
    ),
    Kind.NO_WORKERS: (
        "{waiting} runs wait; nothing is lost, but nothing moves.",
        "Start a worker: agenciaos-jobs worker. If it dies at once, run agenciaos-jobs check in the same environment.",
    ),
    Kind.AI_BUDGET_AGENCY: (
        "The last one: {subject}, {used} of {limit} generations of plan {plan}.",
        "A good time to offer a larger plan. At 100 % its generations stop until the month is over.",
    ),
    Kind.AI_BUDGET_TOTAL: (
        "US$ {spent} of US$ {budget} in {month}. The service goes on: the budget tells, it does not cut.",
        "See which agencies and agents spend most. The budget is AI_BUDGET_USD.",
    ),
    Kind.PAYMENT_UNMATCHED: (
        "{reason}",
        "Find out the agency (the e-mail of whoever paid) or the product (PLAN_PRODUCTS), then assign the payment.",
    ),
    Kind.PAYMENT_UNVERIFIED: (
        "{reason}",
        "Check the payment at Guru before changing the plan by hand. Is DMG_API_KEY still valid?",
    ),
    Kind.PAYMENT_DIFFERENCE: (
        "Plan {plan}; by Guru, {plan_by_guru} ({reason}).",
        "Check the subscription at Guru. With RECONCILE_APPLY=1 the nightly comparison puts the plan right by itself.",
    ),
    Kind.WEBHOOK_DEACTIVATED: (
        "{reason}",
        "Payments arrive no more. See why they failed, switch the webhook on at Guru and send the events again.",
    ),
    Kind.WRONG_TOKEN: (
        "{pending} requests with a wrong key, the last ones from {subjects}.",
        "Was a key changed on one side only? Check the calling service's. If it is not yours, block the address.",
    ),
    Kind.CHANNEL_BROKEN: (
        "{error}",
        "Mend the channel's settings and check with agenciaos-jobs alerts test.",
    ),
}
"""Of each kind, with the alert's details in braces."""
