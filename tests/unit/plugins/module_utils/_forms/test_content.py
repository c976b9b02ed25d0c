# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled doctrines, guide and skills: whole, parallel in both languages, and small enough to travel."""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.content import (
    doctrines_en,
    doctrines_ru,
    skills_en,
    skills_ru,
)

TEMPLATES: dict[str, dict[str, str]] = {"en": doctrines_en.TEMPLATES, "ru": doctrines_ru.TEMPLATES}
SKILLS: dict[str, dict[str, str]] = {"en": skills_en.SKILLS, "ru": skills_ru.SKILLS}
MODULES: tuple[ModuleType, ...] = (doctrines_en, doctrines_ru, skills_en, skills_ru)

ROLES = ("index", "scriber", "dreamweaver")
SKILL_NAMES = tuple(f"iapeer-memory-{verb}" for verb in ("init", "status", "migrate", "distill"))
LANGUAGES = ("en", "ru")

# UTF-8 bytes of all texts together: they travel inside every module run that carries them.
TEMPLATE_LIMIT = {"en": 24_000, "ru": 36_000}
SKILL_LIMIT = 9_000

ALL_TEXTS = [
    pytest.param(text, id=f"{language}:{name}")
    for texts in (TEMPLATES, SKILLS)
    for language in LANGUAGES
    for name, text in texts[language].items()
]


class StrictLoader(yaml.SafeLoader):
    """A YAML loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _value in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, f"duplicate key in {keys}", node.start_mark)
        return super().construct_mapping(node, deep)


def frontmatter(text: str) -> dict[str, object]:
    """The parsed YAML block a text starts with; fails when there is none."""
    match = re.match(r"---\n(.*?\n)---\n# ", text, re.DOTALL)
    assert match, "no frontmatter followed by a title"
    parsed = yaml.load(match.group(1), Loader=StrictLoader)
    assert isinstance(parsed, dict)
    return parsed


def outline(text: str) -> list[int]:
    """The levels of the Markdown headings, code blocks left out."""
    levels: list[int] = []
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and (match := re.match(r"(#+) \S", line)):
            levels.append(len(match.group(1)))
    assert not fenced, "an unclosed code block"
    return levels


def code_fences(text: str) -> int:
    """How many fence lines a text holds, indented ones included."""
    return sum(line.lstrip().startswith("```") for line in text.splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_contract_names(language: str) -> None:
    assert tuple(TEMPLATES[language]) == (*(f"{role}.md" for role in ROLES), "guide.md")
    assert tuple(SKILLS[language]) == SKILL_NAMES


@pytest.mark.parametrize("module", [doctrines_en, doctrines_ru])
def test_templates_are_the_named_constants(module: ModuleType) -> None:
    for role in ROLES:
        assert module.TEMPLATES[f"{role}.md"] is getattr(module, role.upper())
    assert module.TEMPLATES["guide.md"] is module.GUIDE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES)
def test_doctrine_frontmatter_names_its_role(language: str, role: str) -> None:
    meta = frontmatter(TEMPLATES[language][f"{role}.md"])
    assert set(meta) == {"name", "description"}
    assert meta["name"] == role
    assert isinstance(meta["description"], str)
    assert meta["description"].strip()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SKILL_NAMES)
def test_skill_frontmatter_names_its_directory(language: str, name: str) -> None:
    meta = frontmatter(SKILLS[language][name])
    assert set(meta) == {"name", "description"}
    assert meta["name"] == name
    description = meta["description"]
    assert isinstance(description, str)
    assert 20 <= len(description) <= 1024
    assert "\n" not in description


@pytest.mark.parametrize("language", LANGUAGES)
def test_guide_starts_with_its_title(language: str) -> None:
    assert TEMPLATES[language]["guide.md"].startswith("# ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", list(doctrines_en.TEMPLATES))
def test_templates_hold_the_vault_placeholder_and_no_other(language: str, name: str) -> None:
    text = TEMPLATES[language][name]
    assert set(re.findall(r"\{\{.*?\}\}", text)) == {"{{VAULT_PATH}}"}
    rendered = text.replace("{{VAULT_PATH}}", "/vault")
    assert "{{" not in rendered
    assert "}}" not in rendered


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SKILL_NAMES)
def test_skills_are_not_rendered_and_hold_no_placeholder(language: str, name: str) -> None:
    assert "{{" not in SKILLS[language][name]
    assert "}}" not in SKILLS[language][name]


@pytest.mark.parametrize("text", ALL_TEXTS)
def test_text_is_clean(text: str) -> None:
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text
    assert "\r" not in text
    assert not re.search(r"[ \u00a0]$", text, re.MULTILINE), "trailing space"
    assert not re.search("[\u2018\u2019\u201c\u201d]", text), "typographic quotes"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_source_lines_fit(module: ModuleType) -> None:
    too_long = [line for line in inspect.getsource(module).splitlines() if len(line) > 120]
    assert too_long == []


@pytest.mark.parametrize("texts", [TEMPLATES, SKILLS], ids=["templates", "skills"])
def test_both_languages_have_the_same_structure(texts: dict[str, dict[str, str]]) -> None:
    for name, english in texts["en"].items():
        russian = texts["ru"][name]
        assert outline(english) == outline(russian), name
        assert outline(english)[0] == 1, name
        assert outline(english).count(1) == 1, name
        assert code_fences(english) == code_fences(russian), name


@pytest.mark.parametrize("texts", [TEMPLATES, SKILLS], ids=["templates", "skills"])
def test_russian_texts_are_russian_and_english_ones_are_not(texts: dict[str, dict[str, str]]) -> None:
    for name, english in texts["en"].items():
        assert not re.search("[\u0400-\u04ff]", english), name
        russian = texts["ru"][name]
        cyrillic, latin = (len(re.findall(letters, russian)) for letters in ("[\u0400-\u04ff]", "[A-Za-z]"))
        assert cyrillic > latin, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_keep_to_their_length(language: str) -> None:
    for role in ROLES:
        assert 60 <= TEMPLATES[language][f"{role}.md"].count("\n") <= 110, role
    assert TEMPLATES[language]["guide.md"].count("\n") <= 90
    for name, text in SKILLS[language].items():
        assert 25 <= text.count("\n") <= 60, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_small_enough_to_travel(language: str) -> None:
    assert sum(len(text.encode()) for text in TEMPLATES[language].values()) <= TEMPLATE_LIMIT[language]
    assert sum(len(text.encode()) for text in SKILLS[language].values()) <= SKILL_LIMIT


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_name_what_the_contract_fixes(language: str) -> None:
    dreamweaver = TEMPLATES[language]["dreamweaver.md"]
    assert "DREAM_TICK" in dreamweaver
    assert "iapeer-memory dream-collect" in dreamweaver
    status = SKILLS[language]["iapeer-memory-status"]
    for fact in ("~/.iapeer/memory-provider.json", "state/iapeer-memory/memoryd.heartbeat", "watch=on", "fleet.json"):
        assert fact in status, fact
    assert re.search(r"\b120\b", status)
    init = SKILLS[language]["iapeer-memory-init"]
    for fact in ("iapeer-memory version", "agfpd.iapeer_memory.update", "agfpd.iapeer_memory.verify"):
        assert fact in init, fact
