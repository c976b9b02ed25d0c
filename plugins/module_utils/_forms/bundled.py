# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts that travel with the collection, by language: what is wanted where nothing else is known."""

from __future__ import annotations

from .content import doctrines_en, doctrines_ru, skills_en, skills_ru

TEMPLATES = {"en": doctrines_en.TEMPLATES, "ru": doctrines_ru.TEMPLATES}
SKILLS = {"en": skills_en.SKILLS, "ru": skills_ru.SKILLS}
