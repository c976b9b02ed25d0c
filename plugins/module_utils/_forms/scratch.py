# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that nobody lives on: the private folder in which a provider shows what it writes (contract §12)."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .._doorway.egress import Binary, Outcome
from .._doorway.files import Tree
from .._doorway.problem import Problem
from .._host.config import ROLES, Config
from .._host.edits import pretty_json
from .._host.host import Host
from .._host.paths import NAME, PROFILE, Paths, lay_out

SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
OUTPUT_LIMIT = FILE_LIMIT = 1 << 20  # bytes of what a provider says, and of one file that is read
CALLS_LIMIT = 1000
PRIVATE = 0o700
# Before a run; a provider rewrites a guide that is there, and writes none where there is none.
NO_GUIDE = "No guide yet.\n"
CORE, CALLS, KNOWN = "iapeer", "calls", "known"
# Writes down the words of every call (their number first), and agrees to everything. Nothing but the shell's own words.
CORE_TEXT = """\
#!/bin/sh
here=${0%/*}
printf '%s\\0' "$#" "$@" >> "$here/calls/$$"
case $1 in
create) : > "$here/known/$2" ;;
list)
    comma=
    printf '['
    for peer in "$here"/known/*; do
        case ${peer##*/} in
ROWS        *) continue ;;
        esac
        comma=,
    done
    printf ']\\n'
    ;;
esac
exit 0
"""
ROW = "        {name}) printf '%s%s' \"$comma\" {row} ;;\n"

Call = tuple[str, ...]


class Scratch(NamedTuple):
    """The folder, where everything is in it, and its own peer, whose name stands nowhere else in the world.

    settings: what its operator has set, by the names in config.env less their prefix.
    """

    tree: Tree
    paths: Paths
    token: str
    settings: Mapping[str, str]

    @property
    def root(self) -> str:
        """The folder's path, links resolved: the root of all paths."""
        return self.paths.root

    @property
    def vault(self) -> str:
        """Where its notes are."""
        return os.path.join(self.root, "vault")

    @property
    def core(self) -> str:
        """Its core's program."""
        return os.path.join(self.root, CORE)

    def name(self, path: str) -> str:
        """A path of the scratch, relative to its root."""
        return os.path.relpath(path, self.root)

    def cwd(self, peer: str) -> str:
        """The folder of a peer, relative to the root."""
        return f"{self.token}/{peer}"


@contextlib.contextmanager
def scratch_host(host: Host, settings: Mapping[str, str], settled: bool = True) -> Iterator[Scratch]:
    """A host laid out like a root, gone afterwards; settled: its peers are registered, and its config is written.

    Raises Problem where it cannot be made, and where the sandbox refuses it.
    """
    with host.files.scratch(host.paths.state, host.paths.home) as (root, tree):
        parts = {part: os.path.join(root, part, NAME) for part in ("plugins", "state", "cache", "logs")}
        paths = lay_out(
            os.path.join(root, "home"),
            root,
            os.path.join(parts["plugins"], "config.env"),
            parts["state"],
            parts["cache"],
            parts["logs"],
            host.paths.binary,
        )
        scratch = Scratch(tree, paths, f"p{secrets.token_hex(8)}", settings)
        peers = (*ROLES, scratch.token)
        _build(scratch, peers)
        if settled:
            _settle(scratch, peers)
        yield scratch


def _build(scratch: Scratch, peers: Sequence[str]) -> None:
    """The folders, the core, and the peers' own as the core makes it."""
    tree = scratch.tree
    for folder in ("home", "tmp", "vault", CALLS, KNOWN, *map(scratch.cwd, peers)):
        tree.make_folder(folder, PRIVATE)
    tree.write(CORE, _core_text(scratch, peers).encode(), PRIVATE)
    for role in ROLES:
        tree.write(f"{scratch.cwd(role)}/{PROFILE}", pretty_json({"personality": role}))


def _settle(scratch: Scratch, peers: Sequence[str]) -> None:
    """What a provider's init leaves: registered peers, a config, a manifest, and a guide to be rewritten."""
    tree, paths, locale = scratch.tree, scratch.paths, scratch.settings["LOCALE"]
    for peer in peers:
        tree.write(f"{KNOWN}/{peer}", b"")
    config = f"IAPEER_MEMORY_VAULT_PATH={scratch.vault}\nIAPEER_MEMORY_LOCALE={locale}\n"
    tree.write(scratch.name(paths.config_file), config.encode())
    tree.write(scratch.name(paths.guide), NO_GUIDE.encode())
    roles = [
        {
            "role": role,
            "peerCwd": os.path.join(scratch.root, scratch.cwd(role)),
            "template": os.path.join(paths.templates(locale), f"{role}.md"),
        }
        for role in ROLES
    ]
    tree.write(scratch.name(paths.roles), pretty_json({"roles": roles}))


def _core_text(scratch: Scratch, peers: Sequence[str]) -> str:
    rows = []
    for peer in peers:
        runtimes = ["claude", "codex"] if peer == scratch.token else ["claude"]
        row = {
            "personality": peer,
            "cwd": os.path.join(scratch.root, scratch.cwd(peer)),
            "default_runtime": "claude",
            "runtimes": [{"runtime": runtime, "status": "stopped"} for runtime in runtimes],
            "intelligence": "artificial",
            "description": "A peer of a host that nobody lives on.",
        }
        rows.append(ROW.format(name=peer, row=_shell_word(json.dumps(row))))
    return CORE_TEXT.replace("ROWS", "".join(rows))


def _shell_word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def settings_of(config: Config) -> dict[str, str]:
    """What the operator of a host has set, as far as a provider writes other texts for it."""
    return {
        "LOCALE": config.locale,
        "MODE": config.mode,
        "MCP_PORT": str(config.mcp_port),
        "DREAM_CRON": config.dream_cron,
        **{f"PROACTIVE_{role.upper()}": str(int(role in config.proactive)) for role in ROLES},
    }


def environment(scratch: Scratch, settings: Mapping[str, str]) -> dict[str, str]:
    """All that a provider gets to know: the scratch, where its binary is, and these settings."""
    known = {"BINARY_PATH": scratch.paths.binary, "VAULT_PATH": scratch.vault, **settings}
    return {
        "PATH": SYSTEM_PATH,
        "HOME": scratch.paths.home,
        "TMPDIR": os.path.join(scratch.root, "tmp"),
        "IAPEER_ROOT": scratch.root,
        "IAPEER_TEST_SANDBOX": "1",
        **{f"IAPEER_MEMORY_{key}": value for key, value in known.items()},
    }


def run(scratch: Scratch, host: Host, program: str, args: Sequence[str], limit: float) -> Outcome:
    """Run a provider in the scratch; limit in seconds. It is named where the operator named the host's binary.

    Nothing that it starts outlives it, nor do the names that are of this run alone stand in what it says.
    """
    binary, env = Binary(program, host.binary.named), environment(scratch, scratch.settings)
    done = host.egress.run(binary, args, cwd=scratch.root, timeout=limit, env=env, cap=OUTPUT_LIMIT, whole=True)
    own = ((scratch.root, "scratch"), (scratch.token, "peer"), (program, host.paths.binary))
    for name, known in own:
        done = done._replace(out=done.out.replace(name, known), err=done.err.replace(name, known))
    return done


def read(scratch: Scratch, name: str, executable: bool = False) -> str:
    """The text of a file that a provider wrote, name relative to the root.

    Raises Problem, kind malformed, where it is missing, no plain file, too large, not text, or does not run though it
    should.
    """
    try:
        found = None if scratch.tree.is_link(name) else scratch.tree.read(name, FILE_LIMIT)
        reason = "missing, or a link" if found is None else "not executable"
        if found is not None and (found.mode & 0o100 or not executable):
            return found.data.decode("utf-8")
    except Problem as problem:
        reason = problem.reason
    except UnicodeDecodeError:
        reason = "not UTF-8"
    raise Problem(f"{name.replace(scratch.token, 'peers')}: {reason}", kind="malformed")


def calls(scratch: Scratch) -> list[Call]:
    """The words of every call of the scratch's core, in no order. Raises Problem for what was not written by it."""
    names = scratch.tree.names(CALLS)
    if len(names) > CALLS_LIMIT:
        raise Problem(f"the core was called more than {CALLS_LIMIT} times", kind="malformed")
    found = []
    for name in names:
        words = read(scratch, f"{CALLS}/{name}").split("\0")
        while len(words) > 1:
            if not words[0].isdecimal() or len(words) <= int(words[0]) + 1:
                raise Problem("the calls of the core cannot be read", kind="malformed")
            count = int(words[0])
            found.append(tuple(words[1 : count + 1]))
            words = words[count + 1 :]
    return found
