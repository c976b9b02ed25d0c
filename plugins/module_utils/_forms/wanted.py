# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which forms are wanted on a host: learned from its provider where that can be done, else bundled (contract §12)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._host.host import Host
from .._host.results import SKIPPED, Result
from . import memory
from .ahead import NOTHING, Ahead
from .bundled import bundled
from .forms import BUNDLED, LEARNED, Forms
from .learned import Lesson, forms_of, learn, study

KEPT = "kept"
ASKED_FOR = "asked for"


class Known(NamedTuple):
    """What this process knows already: a lesson, whether it was kept by an earlier one, and whether it is on disk."""

    lesson: Lesson
    recalled: bool = False
    on_disk: bool = False


# By everything that it depends on.
_known: dict[str, Known] = {}


def wanted_forms(host: Host, options: Mapping[str, Any], ahead: Ahead = NOTHING, keep: bool = False) -> Forms:
    """The forms of a host. Never fails.

    options: forms (auto, bundled). ahead: those of a binary that is about to come count first. keep: what is learned
    may be written down for the next run, which neither check mode nor verify may.
    """
    if options.get("forms") == BUNDLED:
        return bundled(host, ASKED_FOR)
    return ahead.forms or _of_the_provider(host, keep)[1]


def forms_of_new(host: Host, options: Mapping[str, Any], binary: str) -> Forms:
    """The forms that a host will want once the program at the path binary is its provider. Never fails.

    options: forms. Nothing installed is touched.
    """
    return bundled(host, ASKED_FOR) if options.get("forms") == BUNDLED else learn(host, binary)


def remembered_version(host: Host) -> str:
    """The version that the binary told when it was asked last, by this process or one before; empty if nobody knows.

    A binary that is another one since then was never asked.
    """
    key, _why = _key(host)
    if key is None:
        return ""
    known = _known.get(_memo(host, key))
    lesson = known.lesson if known else memory.recall(host, key)
    return lesson.version if lesson else ""


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Say where the forms of a host are from, and keep them for the next run unless check (contract §10).

    options: forms. Never fails, and changes nothing: what is kept is nobody's but ours. Bundled ones are a skip.
    """
    if options.get("forms") == BUNDLED or ahead.forms:
        action, forms = LEARNED, wanted_forms(host, options, ahead)
    else:
        action, forms = _of_the_provider(host, keep=not check)
    data = {"origin": forms.origin, "version": forms.version}
    if forms.origin == BUNDLED:
        return Result(SKIPPED, f"bundled: {forms.why}", data=data)
    return Result(action, forms.why, data=data)


def _of_the_provider(host: Host, keep: bool) -> tuple[str, Forms]:
    """Whether they were learned just now or kept from before, and the forms."""
    key, why = _key(host)
    if key is None:
        return LEARNED, bundled(host, why)
    memo = _memo(host, key)
    if memo not in _known:
        kept = memory.recall(host, key)
        _known[memo] = Known(kept, recalled=True, on_disk=True) if kept else Known(study(host))
    known = _known[memo]
    lesson, why = known.lesson, known.lesson.why
    if known.recalled and lesson.forms is None:
        why += f" (as found before; remove {memory.memory_path(host)} to have it tried again)"
    if keep and not known.on_disk and lesson.lasting and _key(host)[0] == key:
        failure = memory.keep(host, key, lesson)
        _known[memo] = known._replace(on_disk=not failure)
        why += f"; not kept: {failure}" if failure else ""
    return KEPT if known.recalled else LEARNED, forms_of(host, lesson._replace(why=why))


def _key(host: Host) -> tuple[dict[str, Any] | None, str]:
    """What the forms of a host depend on; None, and why, where there is no binary or it cannot be seen."""
    try:
        return memory.key_of(host), f"no binary at {host.paths.binary}"
    except Problem as problem:
        return None, str(problem)


def _memo(host: Host, key: Mapping[str, Any]) -> str:
    return json.dumps([key, host.paths.state, host.egress.sandboxed, host.binary.named])
