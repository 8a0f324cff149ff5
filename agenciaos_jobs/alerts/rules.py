"""The notification rules: ``rules.toml`` beside this, and the operator's own file over it."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agenciaos_jobs.alerts.alert import CHANNELS, AlertRules, Rule
from agenciaos_jobs.alerts.kind import KINDS


class AlertRulesError(Exception):
    """ALERTS_FILE can't be used; the message names the place and what it takes."""


def load_rules(path: Path | None = None) -> AlertRules:
    """A rule for every kind: the defaults, overridden by the file at ``path``.

    Raises :class:`AlertRulesError`.
    """
    rules = _read(files(__package__).joinpath("rules.toml").read_text("utf-8"), "rules.toml")
    if path is not None:
        try:
            own = _read(path.read_text("utf-8"), str(path))
        except (OSError, UnicodeError) as error:
            raise AlertRulesError(f"ALERTS_FILE {path} can't be read: {error}") from None
        rules = {name: rules.get(name, {}) | own.get(name, {}) for name in {*rules, *own}}
    common = rules.pop("defaults", {})
    if unknown := sorted(rules.keys() - KINDS.keys()):
        raise AlertRulesError(f"ALERTS_FILE: unknown alert {', '.join(unknown)}; known: {', '.join(KINDS)}")
    return {kind: _rule(kind, common | rules.get(kind, {})) for kind in KINDS.values()}


def _read(text: str, name: str) -> dict[str, dict[str, Any]]:
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AlertRulesError(f"ALERTS_FILE {name} is not TOML: {error}") from None
    if stray := sorted(key for key, value in sections.items() if not isinstance(value, dict)):
        raise AlertRulesError(f"ALERTS_FILE {name}: {', '.join(stray)} must stand in a section such as [defaults]")
    return sections


def _rule(kind: str, values: dict[str, Any]) -> Rule:
    try:
        rule = Rule.model_validate(values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise AlertRulesError(f"ALERTS_FILE [{kind}] {'; '.join(problems)}") from None
    if unknown := sorted(set(rule.channels) - set(CHANNELS)):
        raise AlertRulesError(f"ALERTS_FILE [{kind}] channels: {', '.join(unknown)} is none of {', '.join(CHANNELS)}")
    return rule
