"""Every agent, triggered over Trigger.dev's wire with the keys of its form, gives what its page reads."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from support.double import OpenAIDouble
from support.service import Service, running_service

from agenciaos_jobs.ai_content.agents import find
from agenciaos_jobs.settings import Settings

PAGES: dict[str, tuple[str, ...]] = {
    "persona-generator": ("persona",),
    "audience-segmentation": ("segmentation",),
    "copy-generator": ("copies",),
    "ab-testing": ("testPlan",),
    "instagram-caption": ("caption",),
    "instagram-post-ideas": ("ideas",),
    "instagram-carousel-text": ("carousel",),
    "instagram-hashtags": ("hashtags",),
    "youtube-script": ("script",),
    "youtube-seo": ("seoContent",),
    "youtube-content-planner": ("contentPlan",),
    "youtube-optimization": ("optimization",),
    "funnel-main-product": ("data", "productPlan"),
    "funnel-order-bump": ("data", "orderBumps"),
    "funnel-upsell": ("data", "upsellStrategy"),
    "funnel-downsell": ("data", "downsellStrategy"),
    "whatsapp-broadcast": ("data", "messages"),
    "whatsapp-audio-script": ("data", "scripts"),
    "whatsapp-templates": ("data", "templates"),
    "whatsapp-sales-script": ("data", "scripts"),
    "whatsapp-followup": ("data", "messages"),
    "whatsapp-support": ("data", "scripts"),
}
"""Where the page of each form finds its Markdown."""

FAQ = [{"question": "", "answer": ""}]
SHAPES: dict[str, Any] = {
    "blog-ideas": {
        "ideas": [{"title": "", "approach": "", "keywords": [""], "engagementPotential": "", "reasoning": ""}],
    },
    "blog-structure": {
        "title": "", "metaDescription": "", "introduction": "", "conclusion": "", "faq": FAQ,
        "sections": [{"heading": "", "subheadings": [""], "cta": ""}], "internalLinks": [""], "externalLinks": [""],
    },
    "blog-paragraph": {"paragraphs": [""], "examples": [""], "keyPoints": [""], "suggestions": ""},
    "blog-seo": {
        "seoScore": 0, "keywordDensity": {"main": "", "secondary": [""]}, "faq": FAQ, "lsiKeywords": [""],
        "actionItems": [""],
        "improvements": {
            "title": "", "metaDescription": "", "headings": [""], "internalLinks": [""], "externalLinks": [""],
            "contentGaps": [""], "readability": "",
        },
    },
    "blog-meta": {
        "metaDescriptions": [{"text": "", "length": 0, "style": ""}], "slugs": [{"slug": "", "reasoning": ""}],
        "openGraph": {"title": "", "description": ""}, "tips": [""],
    },
    "blog-update": {
        "outdatedSections": [{"original": "", "updated": "", "reason": ""}],
        "newSections": [{"title": "", "content": "", "placement": ""}], "statistics": {"old": [""], "new": [""]},
        "trends": [""], "removeSuggestions": [""], "seoUpdates": {"keywords": [""], "title": ""}, "priority": "",
    },
    "blog-faq": {
        "faqs": [{"question": "", "answer": "", "keywords": [""]}],
        "lists": {name: {"title": "", "items": [""]} for name in ("tips", "benefits", "commonMistakes", "steps")},
        "schemaMarkup": {"faqSchema": "", "howToSchema": ""},
    },
    "blog-complete": {
        "article": {
            "title": "", "introduction": "", "conclusion": "", "faq": FAQ,
            "sections": [{"heading": "", "content": "", "subSections": [{"heading": "", "content": ""}]}],
        },
        "seo": {"metaTitle": "", "metaDescription": "", "slug": "", "keywordDensity": "", "readabilityScore": ""},
        "enhancements": {
            "internalLinks": [""], "externalLinks": [""], "ctas": [""],
            "images": [{"placement": "", "description": "", "altText": ""}],
        },
        "socialMedia": {
            "tldr": "", "linkedinIntro": "", "twitterThread": [""], "openGraph": {"title": "", "description": ""},
        },
        "checklist": {"seoScore": 0, "issues": [""], "improvements": [""]},
        # What this agent answered before.
        "title": "", "slug": "", "metaDescription": "", "introduction": "", "conclusion": "", "keywords": [""],
        "sections": [{"heading": "", "body": ""}],
    },
}  # fmt: skip
"""What the pages of the blog read, with one item in each list."""

ANALYSES = {
    "project-analysis": {
        "type": "", "title": "", "suggestions": [""], "estimatedHours": 0, "priority": "", "projectType": "",
    },
    "client-strategy": {
        "type": "", "title": "", "strategies": [""], "nextActions": [""], "companyType": "", "priority": "",
    },
    "task-breakdown": {
        "type": "", "title": "", "subtasks": [{"title": "", "hours": 0}], "totalHours": 0, "complexity": "",
    },
    "monthly-report": {
        "type": "", "insights": [""], "recommendations": [""], "highlights": [""], "nextMonthGoals": [""],
        "metrics": [{"label": "", "value": "", "trend": ""}],
    },
    "general-analysis": {"type": "", "insights": [""], "recommendations": [""]},
}  # fmt: skip


def shape(*values: Any) -> Any:
    """The keys and kinds of values, of all items of a list together."""
    if isinstance(values[0], dict):
        return {key: shape(*(value[key] for value in values)) for key in values[0]}
    if isinstance(values[0], list):
        items = [item for value in values for item in value]
        return [shape(*items)] if items else [""]
    return type(values[0])()


async def by_sdk(service: Service, payload: dict[str, Any]) -> dict[str, Any]:
    """The run that Trigger.dev's SDK would start with a payload, once it has ended."""
    body = {"payload": json.dumps({"json": payload}), "options": {"payloadType": "application/super+json"}}
    status, handle = await service.post("/api/v1/tasks/ai-content/trigger", body)
    assert status == 200, handle
    return await service.finished(handle["id"])


@pytest.mark.slow
async def test_all_thirty_run_through_the_sdk_with_their_forms_keys(settings: Settings, openai_double: OpenAIDouble):
    assert len(PAGES) + len(SHAPES) == 30
    async with running_service(settings.model_copy(update={"plans": {"FREE": 100, "PRO": 500}})) as service:

        async def outcome(slug: str) -> tuple[str, dict[str, Any]]:
            agent = find(slug)
            assert agent, slug
            payload = {"agencyId": "agency-123", "agentType": slug, "input": agent.example_input}
            run = await by_sdk(service, payload)
            assert run["status"] == "COMPLETED", run
            return slug, run["output"]

        outputs = dict(await asyncio.gather(*(outcome(slug) for slug in (*PAGES, *SHAPES, "feed-stories"))))
    for slug, output in outputs.items():
        assert output["content"].strip(), slug
        assert output["tokensUsed"] == output["usage"]["totalTokens"] > 0
        assert output["cost"] == pytest.approx(float(output["usage"]["costUsd"]))
    for slug, path in PAGES.items():
        found: Any = outputs[slug]
        for name in path:
            found = found[name]
        assert found == outputs[slug]["content"] == outputs[slug][path[-1]], slug
    for slug, expected in SHAPES.items():
        assert shape(outputs[slug]["data"]) == expected, slug
    data = outputs["blog-meta"]["data"]["metaDescriptions"]
    assert all(140 <= item["length"] == len(item["text"]) <= 160 for item in data)
    assert json.loads(outputs["blog-faq"]["data"]["schemaMarkup"]["faqSchema"])["@type"] == "FAQPage"
    assert outputs["blog-seo"]["data"]["keywordDensity"]["main"] == "7,7%"
    assert all(asked["text"]["format"]["strict"] for asked in openai_double.requests)


IDS = {
    "agency-123": "general-analysis",
    "client-7": "client-strategy",
    "project-7": "project-analysis",
    "task-7": "task-breakdown",
}


async def test_older_calls_without_an_agent_are_analyses_for_the_agency_that_their_id_belongs_to(
    settings: Settings, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    await db.execute(
        """INSERT INTO clients (id, "agencyId", name, "updatedAt") VALUES ('client-7', 'agency-123', 'Ana', now());
           INSERT INTO projects (id, "agencyId", "clientId", name, "updatedAt")
           VALUES ('project-7', 'agency-123', 'client-7', 'Site', now());
           INSERT INTO boards (id, "projectId", name, position, "updatedAt")
           VALUES ('board-7', 'project-7', 'Fazer', 1, now());
           INSERT INTO tasks (id, "projectId", "boardId", title, position, "updatedAt")
           VALUES ('task-7', 'project-7', 'board-7', 'Capa', 1, now())"""
    )
    async with running_service(settings) as service:
        for any_id, kind in IDS.items():
            run = await by_sdk(service, {"agencyId": any_id, "content": "A taxa de resposta caiu"})
            assert run["output"]["data"]["type"] == kind
            assert shape(run["output"]["data"]) == ANALYSES[kind]
        payload = {"agencyId": "project-7", "content": "Outubro", "type": "monthly-report", "data": {"receita": "R$ 9"}}
        run = await by_sdk(service, payload)
        assert shape(run["output"]["data"]) == ANALYSES["monthly-report"]
        assert "R$ 9" in openai_double.requests[-1]["input"][0]["content"]
        run = await by_sdk(service, {"agencyId": "nobody", "content": "Outubro"})
        assert run["error"]["name"] == "agency_not_found"
        status, refused = await service.post(
            "/api/trigger", {"type": "ai-content", "payload": {"agencyId": "project-7"}}
        )
        assert status == 422
        assert "payload.agentType" in str(refused)
    used = await db.fetch('SELECT "agencyId", "agentType" FROM ai_usage ORDER BY "createdAt"')
    assert {row["agencyId"] for row in used} == {"agency-123"}
    assert len(used) == 5


async def test_required_fields_are_missed_by_name_and_long_ones_are_cut_with_a_word_in_the_log(
    service: Service, db: asyncpg.Connection, openai_double: OpenAIDouble
):
    payload = {"agencyId": "agency-123", "agentType": "copy-generator", "input": {"product": "Celular", "tone": ""}}
    status, refused = await service.post("/api/trigger", {"type": "ai-content", "payload": payload})
    assert status == 422
    assert [error["message"] for error in refused["errors"]] == ["faltam campos obrigatórios: objective, tone"]
    article = "Para escolher um smartphone, olhe a bateria. " * 850
    long = {"title": "Smartphone", "content": article, "mainKeyword": "smartphone"}
    run = await service.outcome("ai-content", {**payload, "agentType": "blog-meta", "input": long})
    assert run["status"] == "COMPLETED"
    (asked,) = openai_double.requests
    assert article[:2_000] in asked["input"][0]["content"]
    assert article[:2_001] not in asked["input"][0]["content"]
    lines = await db.fetch("SELECT message, fields FROM jobs.run_logs WHERE message = 'input_cut'")
    assert ["content" in str(line["fields"]) for line in lines] == [True]
    for size, fields in ((40_001, ["content"]), (35_000, ["content", "title"])):
        values = long | dict.fromkeys(fields, "x" * size)
        refused = await service.post(
            "/api/trigger", {"type": "ai-content", "payload": {**payload, "agentType": "blog-meta", "input": values}}
        )
        assert refused[0] == 422


async def test_an_agent_in_the_foreground_holds_its_slot_for_300_seconds_at_most(
    service: Service, db: asyncpg.Connection
):
    for slug in ("copy-generator", "youtube-script"):
        await service.trigger(
            "ai-content", {"agencyId": "agency-123", "agentType": slug, "input": find(slug).example_input}
        )
    limits = await db.fetch("SELECT max_duration FROM jobs.runs WHERE task = 'generate-ai-content' ORDER BY id")
    assert [row["max_duration"] for row in limits] == [300, 900]
