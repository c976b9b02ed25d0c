# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a provider's init would make on a host: its vault, its config.env and its role peers (contract §13).

Learned as the forms are, from a run in a scratch whose core knows nobody yet.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._doorway.spelling import spell
from .._host.config import LOCALES, MODES, ROLES, parse_config
from .._host.host import Host
from . import scratch
from .bundled import TEMPLATES
from .forms import BUNDLED, LEARNED
from .learned import one_line
from .scratch import Call, Scratch
from .shape import TEXT_LIMIT, hole, require

INIT = ("init", "--non-interactive", "--skip-deps", "--skip-binary", "--skip-guide")
INIT_LIMIT = 60.0  # seconds
ENTRIES_LIMIT, LEVELS_LIMIT = 500, 8
VAULT_KEY = "IAPEER_MEMORY_VAULT_PATH"
VAULT = hole("vault")
DESCRIPTION = re.compile(r"^description: (.*)$", re.MULTILINE)
CONFIG = f"{VAULT_KEY}={VAULT}\nIAPEER_MEMORY_LOCALE={{locale}}\nIAPEER_MEMORY_MODE={{mode}}\n"


class InitForms(NamedTuple):
    """What a first day makes. origin: learned or bundled; why: where it is from, in words.

    folders, files: of the vault, by their paths below it, a folder after the one that it is in; files to their texts.
    config: the text of config.env, with a hole for the vault's path. creates: role to the words of the core's call that
    makes its peer.
    """

    origin: str
    why: str
    folders: tuple[str, ...]
    files: Mapping[str, str]
    config: str
    creates: Mapping[str, Call]

    def config_env(self, vault: str) -> str:
        """The config.env of a host with this vault; raises Problem for a path that no line of it can hold."""
        line = next(line for line in self.config.split("\n") if VAULT in line)
        as_it_is = line.replace(VAULT, vault)
        told = parse_config(as_it_is) == {VAULT_KEY: vault}
        return self.config.replace(line, as_it_is if told else _line(VAULT_KEY, vault))


def _line(key: str, value: str) -> str:
    """The line of a config.env that says this; raises Problem where none can."""
    lines = [f"{key}={mark}{value}{mark}" for mark in ("", '"', "'")]
    line = next((line for line in lines if parse_config(line) == {key: value}), None)
    if line is None:
        raise Problem(f"no line of a config.env can hold {value!r}")
    return line


def learn_init(host: Host, options: Mapping[str, Any]) -> InitForms:
    """What the provider's init would make on this host, else what is bundled, with the reason.

    options: locale, mode, human_name, role_runtime (None or empty where not given), forms. Never fails, but raises
    Problem for options that are no answers.
    """
    answers = _answers(host, options)
    if options.get("forms") == BUNDLED:
        return _bundled(answers, "asked for")
    try:
        with scratch.scratch_host(host, {}, settled=False) as made:
            return _learned(made, host, answers)
    except Problem as problem:
        return _bundled(answers, one_line(str(problem)))


def _answers(host: Host, options: Mapping[str, Any]) -> dict[str, str]:
    """The answers to what init would ask, by its flags."""
    answers = {
        "locale": str(options.get("locale") or host.config.locale),
        "mode": str(options.get("mode") or host.config.mode),
        "human": str(options.get("human_name") or ""),
        "runtime": str(options.get("role_runtime") or ""),
    }
    for flag, known in (("locale", LOCALES), ("mode", MODES)):
        if answers[flag] not in known:
            raise Problem(f"{flag} is {answers[flag]!r}, not one of {', '.join(known)}")
    for option, flag in (("human_name", "human"), ("role_runtime", "runtime")):
        value = answers[flag]
        if not value.isprintable() or value.startswith("-") or value != value.strip():
            raise Problem(f"{option} must be a name, not {value!r}")
    return {flag: value for flag, value in answers.items() if value}


def _learned(made: Scratch, host: Host, answers: Mapping[str, str]) -> InitForms:
    flags = [word for flag, value in answers.items() for word in (f"--{flag}", value)]
    words = [*INIT, "--vault", made.vault, *flags, "--iapeer-bin", made.core]
    done = scratch.run(made, host, host.paths.binary, words, INIT_LIMIT)
    require(not done.refused, done.err)
    require(done.rc == 0, f"init in a scratch: {done.account}")
    folders, files = _vault(made)
    config = scratch.read(made, made.name(made.paths.config_file)).replace(made.vault, VAULT)
    values = parse_config(config)
    wanted = {"VAULT_PATH": VAULT, "LOCALE": answers["locale"], "MODE": answers["mode"]}
    bad = [key for key, value in wanted.items() if values.get(f"IAPEER_MEMORY_{key}") != value]
    require(not bad, f"not believed: config.env says another {', '.join(bad)}")
    require(config.count(VAULT) == 1 and config.endswith("\n"), "not believed: config.env")
    creates = _creates(made)
    for text in (config, *folders, *files, *files.values(), *(word for call in creates.values() for word in call)):
        require(made.root not in text and made.token not in text, "not believed: it names the scratch")
    return InitForms(LEARNED, "learned from the provider's init", folders, files, config, creates)


def _vault(made: Scratch) -> tuple[tuple[str, ...], dict[str, str]]:
    """The folders and the texts of the vault. Raises Problem for what is neither, and for too many."""
    folders, files = [], {}
    for path, is_folder in _walk(made, "", 0):
        require(path.isprintable(), "not believed: the vault has names that are none")
        if is_folder:
            folders.append(path)
        else:
            files[path] = scratch.read(made, f"vault/{path}")
            require(len(files[path]) <= TEXT_LIMIT and "\0" not in files[path], f"not believed: {path} is no text")
        require(len(folders) + len(files) <= ENTRIES_LIMIT, "not believed: the vault has too much in it")
    require(folders, "not believed: the vault has no folders")
    return tuple(folders), files


def _walk(made: Scratch, folder: str, level: int) -> Iterator[tuple[str, bool]]:
    """All paths below the vault, and whether each is a folder; one comes before what is in it."""
    require(level <= LEVELS_LIMIT, "not believed: the vault is too deep")
    for leaf in made.tree.names(f"vault/{folder}".rstrip("/")):
        path = os.path.join(folder, leaf)
        is_folder = stat.S_ISDIR(os.lstat(spell(os.path.join(made.vault, path))).st_mode)
        yield path, is_folder
        if is_folder:
            yield from _walk(made, path, level + 1)


def _creates(made: Scratch) -> dict[str, Call]:
    """The call that makes each role's peer."""
    found: dict[str, Call] = {}
    for words in scratch.calls(made):
        if words[:1] == ("create",) and "--path" not in words:
            role = words[1] if len(words) > 1 else ""
            require(role in ROLES and role not in found, f"not believed: it creates {role!r}")
            require(all(word.isprintable() for word in words), f"not believed: how it creates {role}")
            found[role] = words
    missing = [role for role in ROLES if role not in found]
    require(not missing, f"not believed: it does not create {', '.join(missing)}")
    return {role: found[role] for role in ROLES}


def _bundled(answers: Mapping[str, str], why: str) -> InitForms:
    """No folders: a vault grows them as it is written in."""
    locale = answers["locale"]
    config = CONFIG.format(locale=locale, mode=answers["mode"])
    if "human" in answers:
        config += _line("IAPEER_MEMORY_HUMAN_NAME", answers["human"]) + "\n"
    runtime = ("--runtime", answers["runtime"]) if "runtime" in answers else ()
    creates = {}
    for role in ROLES:
        match = DESCRIPTION.search(TEMPLATES[locale][f"{role}.md"])
        creates[role] = ("create", role, *runtime, "--description", match[1] if match else role)
    return InitForms(BUNDLED, why, (), {}, config, creates)
