# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The known shape of what a provider writes (contract §12): what is not of it is not believed.

Looked at are forms with holes for the places of a host, whether they were learned just now or are kept from before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._documents import toml_document
from .._documents.json_values import SURROGATE
from .._documents.toml_document import Raw
from .._doorway.problem import Problem
from .._host.config import ROLES
from .._host.host import Host
from .._host.options import LONGEST_VERSION, VERSION
from .._host.paths import NAME, Paths
from .forms import PERSONALITY, VAULT, Forms, Json, place
from .scripts import VERBS, quoted

# What is kept of forms: their own fields less where they are from.
FIELDS = tuple(name for name in Forms._fields if name not in ("origin", "why", "version"))
# Those that may say where they are; the others are the same on every host.
PLACED = ("hooks", "mcp", "toml", "guide", "triggers", "slot")
# What is in another one first.
PLACES = (
    *("heartbeat", "launcher", "dream_gate", "hooks", "config_file"),
    *("config_dir", "state", "cache", "logs", "vault", "home", "root"),
)
PLACEHOLDER = re.compile(r"\{\{[^{}\n]*\}\}")
NAME_OF = {
    "shims": re.compile(r"iapeer-memory\.[A-Za-z0-9._-]+\.sh"),
    "skills": re.compile(r"iapeer-memory-[A-Za-z0-9._-]+"),
    "templates": re.compile(r"[A-Za-z0-9_-]+\.md"),
}
TEXT_LIMIT = 1 << 18  # characters of one text
SIZE_LIMIT = 1 << 21  # and of all together
COUNT_LIMIT = 64  # of shims, of skills, of templates
DEPTH_LIMIT = 16
RUNTIMES = ("claude", "codex")
IDENTITY = "X-IAPeer-Identity"
TRIGGERS = {"watcher": f"{NAME}-memoryd", "dream": f"{NAME}-dream-tick"}
COMMANDS = {
    "provision": ("{cwd}", "{runtime}", "{personality}", "{occasion}"),
    "unprovision": ("{cwd}", "{runtime}", "{occasion}"),
}


def hole(name: str) -> str:
    """What stands for one of PLACES. A NUL is in no path and in no text."""
    return f"\0{name}\0"


def places(paths: Paths, vault: str) -> dict[str, str]:
    """The path of each of PLACES on a host."""
    known = {**paths._asdict(), "vault": vault}
    return {name: known[name] for name in PLACES}


def hollow(value: Any, paths: Paths, vault: str) -> Any:
    """The value with a hole wherever a path of that host is, in string leaves alone."""
    return place(value, {path: hole(name) for name, path in places(paths, vault).items()})


def filled(forms: Json, host: Host) -> Json:
    """The forms with the paths of this host in their holes; documents have none."""
    holes = {hole(name): path for name, path in places(host.paths, host.config.vault_path).items()}
    return {field: place(value, holes) if field in PLACED else value for field, value in forms.items()}


def require(fine: object, reason: str) -> None:
    """Raise Problem with the reason unless that is fine."""
    if not fine:
        raise Problem(reason, kind="malformed")


def check_version(version: Any) -> None:
    """Raise Problem unless that is a version (contract §3)."""
    fine = isinstance(version, str) and len(version) <= LONGEST_VERSION and re.fullmatch(VERSION, version)
    require(fine and "." in version, "its slot declares no version")


def check_shape(forms: Any, host: Host) -> None:
    """Raise Problem, saying which form and why, unless all are of the known shape; forms: FIELDS, with holes."""
    require(isinstance(forms, dict) and set(forms) == set(FIELDS), "forms are missing")
    _check_leaves(forms)
    for kind in NAME_OF:
        _check_texts(kind, forms[kind])
    _check_scripts(forms, host)
    _check_documents(forms)
    require(isinstance(forms["hooks"], dict) and set(forms["hooks"]) == set(RUNTIMES), "hooks: not of both clients")
    for runtime in RUNTIMES:
        _check_hooks(runtime, forms["hooks"][runtime], forms["shims"])
    _check_servers(forms, host)
    _check_triggers(forms["triggers"], host)
    _check_slot(forms["slot"], host)


def leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    """All keys and all values that hold no others. Raises Problem for what nests too deep."""
    require(depth <= DEPTH_LIMIT, "nests too deep")
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, depth + 1)
    else:
        yield value


def _check_leaves(forms: Json) -> None:
    """Nothing but what JSON can carry, of a bounded size, and no hole that nobody fills."""
    known, size = [hole(name) for name in PLACES], 0
    for field, value in forms.items():
        holes = [*known, PERSONALITY] if field == "mcp" else known
        for leaf in leaves(value):
            if isinstance(leaf, str):
                size += len(leaf)
                require(size <= SIZE_LIMIT, "too large")
                require(leaf.isascii() or not SURROGATE.search(leaf), f"{field}: not Unicode")
                fine = "\0" not in leaf or _is_filled_by(leaf, holes)
                require(fine and (field == "toml" or not isinstance(leaf, Raw)), f"{field}: holds what is not its own")
            else:
                finite = not isinstance(leaf, float) or leaf - leaf == 0
                require(finite and (leaf is None or isinstance(leaf, (int, float))), f"{field}: not JSON")


def _is_filled_by(leaf: str, holes: Sequence[str]) -> bool:
    rest = leaf
    for name in holes:
        rest = rest.replace(name, "")
    return "\0" not in rest and not isinstance(leaf, Raw)


def _check_texts(kind: str, texts: Any) -> None:
    """A set of documents by their names; each is constant, so without any hole."""
    require(isinstance(texts, dict) and 0 < len(texts) <= COUNT_LIMIT, f"{kind}: there are none, or too many")
    for name, text in texts.items():
        require(NAME_OF[kind].fullmatch(name), f"{kind}: {name!r} is not one of ours")
        _check_text(f"{kind}: {name}", text)


def _check_text(what: str, text: Any) -> None:
    require(isinstance(text, str) and text.strip(), f"{what} is empty")
    require(len(text) <= TEXT_LIMIT, f"{what} is too large")
    require("\0" not in text, f"{what} depends on where it is")
    stray = next((found for found in PLACEHOLDER.findall(text) if found != VAULT), "")
    require(not stray, f"{what} has an unknown placeholder, {stray}")


def _check_scripts(forms: Json, host: Host) -> None:
    scripts = dict(forms["shims"])
    runners = {"launcher": forms["launcher"]}
    if forms["gate"] or host.config.dream:  # where no timer is wanted, a provider need not write its gate
        runners["gate"] = forms["gate"]
    for name, text in runners.items():
        _check_text(name, text)
        binary = host.paths.binary
        require(binary in text or quoted(binary) in text, f"{name}: does not name {binary}")
    for name, text in {**scripts, **runners}.items():
        require(text.startswith("#!") and text.endswith("\n"), f"{name}: no script")


def _check_documents(forms: Json) -> None:
    missing = [role for role in ROLES if f"{role}.md" not in forms["templates"]]
    require(not missing, f"templates: no {', '.join(missing)}")
    guide = forms["guide"]
    require(isinstance(guide, str) and len(guide) <= TEXT_LIMIT, "guide: no text, or too large")
    stray = PLACEHOLDER.search(guide)
    require(stray is None, f"guide: has an unknown placeholder, {stray and stray[0]}")


def _check_hooks(runtime: str, entries: Any, shims: Mapping[str, str]) -> None:
    where = f"hooks of {runtime}"
    require(isinstance(entries, dict), f"{where}: none")
    expected = {event: f"{NAME}.{verb}.sh" for event, verb in VERBS.items()}
    missing = [event for event in expected if event not in entries]
    require(not missing, f"{where}: no entry for {', '.join(missing)}")
    for event, entry in entries.items():
        handlers: Any = entry.get("hooks") if isinstance(entry, dict) else None
        one = isinstance(handlers, list) and len(handlers) == 1 and isinstance(handlers[0], dict)
        require(one and handlers[0].get("type") == "command", f"{where}: {event} runs not just one command")
        command = handlers[0].get("command")
        right = [f"{hole('hooks')}/{name}" for name in shims if name == expected.get(event, name)]
        require(command in right, f"{where}: {event} does not run a shim of ours but {command!r}")


def _check_servers(forms: Json, host: Host) -> None:
    url = f"http://127.0.0.1:{host.config.mcp_port}/mcp"
    for kind in ("mcp", "toml"):
        server = forms[kind]
        require(isinstance(server, dict) and server.get("url") == url, f"{kind}: its url is not {url}")
    headers = forms["mcp"].get("headers")
    identity = headers.get(IDENTITY) if isinstance(headers, dict) else None
    named = isinstance(identity, str) and PERSONALITY in identity
    require(named, f"mcp: its header {IDENTITY} does not name the peer")
    for leaf in leaves(forms["toml"]):
        fine = isinstance(leaf, str) and (not isinstance(leaf, Raw) or _is_one_value(leaf))
        require(fine, "toml: holds what is neither text nor one value of TOML")


def _is_one_value(leaf: Raw) -> bool:
    """True for what TOML reads as one value, and as nothing else."""
    try:
        return toml_document.read(f"[one]\nvalue = {leaf}\n".encode(), ("one",)) == {"value": leaf}
    except Problem:
        return False


def _check_triggers(triggers: Any, host: Host) -> None:
    wanted = [name for name in TRIGGERS if name != "dream" or host.config.dream]
    require(isinstance(triggers, dict) and sorted(triggers) == sorted(wanted), "triggers: not those that are wanted")
    for name in wanted:
        message = triggers[name]
        require(isinstance(message, dict) and message.get("id") == TRIGGERS[name], f"triggers: {name} has no id")
        require(message.get("target") in ROLES, f"triggers: {name} goes to no role")
        key, script = {"watcher": ("script", "launcher"), "dream": ("check", "dream_gate")}[name]
        require(message.get(key) == hole(script), f"triggers: the {key} of {name} is not ours")
    if "dream" in wanted:
        dream = triggers["dream"]
        text = dream.get("message")
        require(isinstance(text, str) and text.startswith("DREAM_TICK"), "triggers: dream says no DREAM_TICK")
        require(dream.get("when") == host.config.dream_cron, "triggers: dream has another schedule")


def _check_slot(slot: Any, host: Host) -> None:
    require(isinstance(slot, dict) and slot.get("provider") == NAME, "slot: another provider")
    package = slot.get("package")
    require(isinstance(package, str) and package, "slot: no package")
    require(not {"version", "registeredAt", "plugin"} & set(slot), "slot: keys of another form")
    require(slot.get("heartbeat") == hole("heartbeat"), "slot: another heartbeat")
    for name, holes in COMMANDS.items():
        block = slot.get(name)
        runs = isinstance(block, dict) and block.get("command") == host.paths.binary
        require(runs, f"slot: {name} runs another binary")
        args = block.get("args")
        words = isinstance(args, list) and all(isinstance(word, str) for word in args)
        require(words and args[:1] == [f"{name}-peer"], f"slot: {name} is no command")
        missing = [word for word in holes if word not in args]
        require(not missing, f"slot: {name} lacks {', '.join(missing)}")
