# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small shell scripts of a host: hook shims (contract §5), memoryd's launcher and the dream gate (contract §7)."""

from __future__ import annotations

import os
import re

EXECUTABLE = 0o755
SHIM_PREFIX = "iapeer-memory."
SHIM_SUFFIX = ".sh"
# What a shell reads in a path, or what JSON cannot carry: such a command does not run the file of that name.
SPECIAL = re.compile(r"""[\s'"&;()$`\\|<>*?\[\]{}#~!\x00-\x1f\x7f\ud800-\udfff]""")
# One word to a shell that stays one word, and neither an assignment nor a comment.
WORD = re.compile(rf"""(?!#|[A-Za-z_][A-Za-z0-9_]*\+?=)(?:[#~!]|(?!{SPECIAL.pattern}).)+""")
VERBS = {"PostToolUse": "post-write", "SessionStart": "session-start"}
SHIM = """\
#!/usr/bin/env bash
# Connects sessions to iapeer-memory; silent where its CLI is not installed.
cli="$(command -v iapeer-memory || true)"
[ -n "$cli" ] || cli="$HOME/.local/bin/iapeer-memory"
[ -x "$cli" ] || exit 0
exec "$cli" hook {verb}
"""
RUNNER = """\
#!/usr/bin/env bash
# {purpose}
exec "{binary}" {arguments}
"""


def shim_path(hooks: str, verb: str) -> str:
    """Where the shim of a verb (post-write, session-start) stands in the folder hooks."""
    return os.path.join(hooks, f"{SHIM_PREFIX}{verb}{SHIM_SUFFIX}")


def shim(verb: str) -> bytes:
    """The text of the shim of a verb."""
    return SHIM.format(verb=verb).encode()


def is_our_command(command: object) -> bool:
    """True where a hook's command is a shim of ours: one path, alone, by its basename, wherever it points."""
    if not isinstance(command, str) or WORD.fullmatch(command) is None:
        return False
    base = command.rpartition("/")[2]
    return base.startswith(SHIM_PREFIX) and base.endswith(SHIM_SUFFIX)


def special_letters(path: str) -> str:
    """The characters of a path, each once, for which a client's shell would not run the file that it names."""
    return "".join(dict.fromkeys(SPECIAL.findall(path)))


def launcher(binary: str) -> bytes:
    """What the notifier runs to start memoryd; binary is an absolute path."""
    return _runner("Starts memoryd; the notifier runs this again whenever it ends.", binary, "memoryd")


def dream_gate(binary: str) -> bytes:
    """What the notifier asks before the weekly timer fires: exit code 0 where there is work."""
    return _runner("Says whether the weekly consolidation has work to do.", binary, "dream-collect --gate")


def quoted(path: str) -> str:
    """A path as it stands between double quotes in a script."""
    return "".join(f"\\{letter}" if letter in '\\"$`' else letter for letter in path)


def _runner(purpose: str, binary: str, arguments: str) -> bytes:
    text = RUNNER.format(purpose=purpose, binary=quoted(binary), arguments=arguments)
    return text.encode("utf-8", "surrogateescape")
