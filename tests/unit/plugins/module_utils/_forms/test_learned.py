# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a provider in a scratch: what is learned, what is not believed, and that nothing else is touched."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.toml_document import Raw
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import learned, scratch
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import PERSONALITY
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import learn, study
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.provider import build, texts
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.provider.place import Place as TheirPlace
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import install_provider
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import snapshot
from ansible_collections.agfpd.iapeer_memory.tests.unit.provider_home import Home, Tamper


def theirs(home: Home, version: str) -> dict[str, Any]:
    """What the stand-in itself says that it wants on this host."""
    environ = home.place.environ()
    with mock.patch.dict(os.environ, environ, clear=True), mock.patch.multiple(build, VERSION=version, FLAVOUR=""):
        at = TheirPlace()
        slot = {key: item for key, item in texts.slot(at).items() if key not in ("version", "registeredAt")}
        return {
            "version": version,
            "shims": {f"iapeer-memory.{verb}.sh": texts.shim(verb) for verb in texts.VERBS.values()},
            "hooks": {client: texts.entries(at, client) for client in ("claude", "codex")},
            "mcp": texts.mcp(at, PERSONALITY),
            "skills": texts.skills(at),
            "launcher": texts.launcher(at),
            "gate": texts.gate(at),
            "templates": {f"{name}.md": text for name, text in texts.templates(at).items()},
            "guide": texts.filled(at, texts.templates(at)["guide"]),
            "triggers": {"watcher": texts.watcher(at), "dream": texts.timer(at)},
            "slot": slot,
        }


@pytest.mark.parametrize("version", ["7.1.0", "7.2.0"])
@pytest.mark.parametrize("settings", [(), ("IAPEER_MEMORY_LOCALE=ru", "IAPEER_MEMORY_MCP_PORT=9123")])
def test_what_the_installed_provider_writes_is_wanted(home_of: Home, version: str, settings: tuple[str, ...]) -> None:
    home_of.place.configure(*settings, "IAPEER_MEMORY_DREAM_CRON=5 4 * * 2")
    home_of.install(version)
    found = learn(home_of.host())._asdict()
    assert (found.pop("origin"), found.pop("why")) == ("learned", f"learned from v{version}")
    port = 9123 if settings else 8766
    assert found.pop("toml") == {
        "url": f"http://127.0.0.1:{port}/mcp",
        "default_tools_approval_mode": "approve",
        "bearer_token_env_var": "IAPEER_BEARER",
        "env_http_headers": {"X-IAPeer-Identity": "PEER_IDENTITY"},
    }
    assert found == theirs(home_of, version)
    assert list(found["slot"])[:3] == ["provider", "package", "heartbeat"]
    assert home_of.asked == [("update",)]


def test_versions_differ_in_entries_skills_and_slot(home_of: Home) -> None:
    old = learn(home_of.host())
    home_of.install("7.2.0")
    new = learn(home_of.host())
    assert set(new.skills) - set(old.skills) == {"iapeer-memory-audit"}
    assert new.hooks["codex"]["SessionStart"]["hooks"][0]["timeout"] == 45
    assert new.slot["capabilities"] == ["search", "watch"]
    assert new.templates["index.md"] != old.templates["index.md"]


@pytest.mark.parametrize(
    ("settings", "target", "dream"),
    [
        (["MODE=lean"], "scriber", False),
        (["MODE=lean", "PROACTIVE_INDEX=on"], "index", False),
        (["PROACTIVE_SCRIBER=off"], "index", True),
        (["PROACTIVE_DREAMWEAVER=0"], "scriber", False),
    ],
)
def test_triggers_are_those_of_the_mode_and_its_toggles(
    home_of: Home, settings: list[str], target: str, dream: bool
) -> None:
    home_of.place.configure(*(f"IAPEER_MEMORY_{line}" for line in settings))
    found = learn(home_of.host())
    assert found.triggers["watcher"]["target"] == target
    assert sorted(found.triggers) == (["dream", "watcher"] if dream else ["watcher"])


def test_without_a_timer_a_provider_need_not_write_its_gate(home_of: Home) -> None:
    def remove(made: scratch.Scratch) -> None:
        os.unlink(made.paths.dream_gate)

    assert home_of.tampered(remove).why == "not believed: gate is empty"
    home_of.place.configure("IAPEER_MEMORY_MODE=lean")
    lesson = home_of.tampered(remove)
    assert lesson.forms is not None
    assert lesson.forms["gate"] == ""


def test_a_provider_that_writes_no_guide_has_none(home_of: Home) -> None:
    lesson = home_of.tampered(lambda made: Path(made.paths.guide).write_text(scratch.NO_GUIDE))
    assert lesson.forms is not None
    assert lesson.forms["guide"] == ""


def test_a_new_binary_tells_its_forms_and_names_the_path_it_will_have(home_of: Home, tmp_path: Path) -> None:
    install_provider(tmp_path / "transferred", "7.2.0")
    before = snapshot(home_of.place.base)
    found = learn(home_of.host(), str(tmp_path / "transferred"))
    assert found.version == "7.2.0"
    assert f'exec "{home_of.place.binary}" memoryd' in found.launcher
    assert found.slot["provision"]["command"] == str(home_of.place.binary)
    assert snapshot(home_of.place.base) == before


# What is not believed


@pytest.mark.parametrize(
    ("version", "flavour", "why"),
    [
        ("1.0.0", "", "update --skip-binary in a scratch: unknown flag: --skip-binary"),
        ("7.1.0", "fail", "update --skip-binary in a scratch: no luck today"),
        ("7.1.0", "silent", "not believed: memory-provider.json: missing, or a link"),
        ("7.1.0", "foreign-command", "not believed: hooks of claude: PostToolUse does not run a shim of ours but "),
        ("7.1.0", "placeholder", "not believed: templates: dreamweaver.md has an unknown placeholder, {{TEAM_NAME}}"),
        ("7.1.0", "no-url", "not believed: mcp: its url is not http://127.0.0.1:8766/mcp"),
    ],
)
def test_a_provider_that_cannot_or_is_not_to_be_believed_gets_the_bundled_forms(
    home_of: Home, version: str, flavour: str, why: str
) -> None:
    home_of.install(version, flavour)
    host = home_of.host()
    found = learn(host)
    assert found.why.startswith(why)
    assert found == bundled(host, found.why)._replace(version=version)
    assert study(host).lasting


@pytest.mark.parametrize("flavour", ["hang", "hang-child", "endless"])
def test_a_provider_that_never_ends_is_ended(home_of: Home, flavour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "UPDATE_LIMIT", 1.0)
    home_of.install("7.1.0", flavour)
    lesson = study(home_of.host())
    assert lesson.forms is None
    assert lesson.version == "7.1.0"
    assert lesson.lasting


@pytest.mark.parametrize("ending", ["exit 126", "exit 127", "kill -9 $$"])
def test_what_could_not_be_run_or_was_killed_may_do_better_another_time(home_of: Home, ending: str) -> None:
    home_of.script(f"{ending}\n")
    assert not study(home_of.host()).lasting


def edit(name: str, change: Any) -> Tamper:
    """Change the JSON that the provider wrote into the folder of its peer (or, after a slash, below the root)."""

    def tamper(made: scratch.Scratch) -> None:
        path = Path(made.root, name[1:] if name.startswith("/") else f"{made.cwd(made.token)}/{name}")
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value).replace("TOKEN", made.token))

    return tamper


def sent(receiver: str, text: str) -> Tamper:
    def tamper(made: scratch.Scratch) -> None:
        words = ["send", receiver, "--from", "claude-index", "--message", text]
        Path(made.root, "calls", "x").write_text("\0".join([str(len(words)), *words, ""]))

    return tamper


def put(name: str, text: str | bytes, mode: int = 0o644) -> Tamper:
    def tamper(made: scratch.Scratch) -> None:
        path = Path(made.root, name.format(seat=made.cwd(made.token)))
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.exists():
            path.unlink()
        path.write_bytes(text if isinstance(text, bytes) else text.format(root=made.root, token=made.token).encode())
        path.chmod(mode)

    return tamper


def instead(name: str, make: Any) -> Tamper:
    def tamper(made: scratch.Scratch) -> None:
        path = Path(made.root, name)
        path.unlink()
        make(path)

    return tamper


def no_hooks(made: scratch.Scratch) -> None:
    shutil.rmtree(made.paths.hooks)
    Path(made.paths.hooks).write_text("")


PLUGINS = "plugins/iapeer-memory"
SKILL = "{seat}/.claude/skills/iapeer-memory-init/SKILL.md"
HOSTILE: dict[str, tuple[Tamper, str]] = {
    "the peer's name in a skill": (put(SKILL, "# for {token}\n"), "skills: holds a path or a name"),
    "a path of the scratch in a skill": (put(SKILL, "# in {root}/vault\n"), "skills: holds a path or a name"),
    "a path of the scratch in a template": (
        put(f"{PLUGINS}/templates/en/index.md", "# in {root}\n"),
        "templates: holds a path or a name",
    ),
    "a path of the scratch in a launcher": (
        put(f"{PLUGINS}/memoryd-launcher.sh", '#!/bin/sh\nexec "{root}/home/x"\n', 0o755),
        "launcher: holds a path or a name",
    ),
    "a launcher that is a link": (
        instead(f"{PLUGINS}/memoryd-launcher.sh", lambda path: path.symlink_to("/etc/passwd")),
        "memoryd-launcher.sh: missing, or a link",
    ),
    "a launcher that is a pipe": (instead(f"{PLUGINS}/memoryd-launcher.sh", os.mkfifo), "a FIFO stands where"),
    "a file in place of the shims": (no_hooks, "not believed: scratch/plugins/iapeer-memory/hooks"),
    "a launcher that does not run": (put(f"{PLUGINS}/memoryd-launcher.sh", "#!/bin/sh\n"), "not executable"),
    "a shim that does not run": (
        put(f"{PLUGINS}/hooks/iapeer-memory.post-write.sh", "#!/bin/sh\n"),
        "not executable",
    ),
    "a file beside the shims": (put(f"{PLUGINS}/hooks/lib.sh", "#!/bin/sh\n", 0o755), "shims: 'lib.sh' is not one"),
    "a text that is none": (put(SKILL, b"\xff\xfe"), "not UTF-8"),
    "a huge text": (put(SKILL, b"x" * (2 << 20)), "SKILL.md: "),
    "a skill of more than its text": (
        put("{seat}/.claude/skills/iapeer-memory-init/more.md", "x"),
        "skills: iapeer-memory-init is not just a SKILL.md",
    ),
    "a skill of another name": (put("{seat}/.claude/skills/elsewhere/SKILL.md", "x"), "skills: 'elsewhere'"),
    "a slot that is no JSON": (put("memory-provider.json", "{{"), "is not JSON"),
    "a slot of another": (edit("/memory-provider.json", lambda v: v.update(provider="other")), "slot: another"),
    "a version that is none": (edit("/memory-provider.json", lambda v: v.update(version="7\x1b[1m")), "no version"),
    "two entries": (
        edit(".claude/settings.json", lambda v: v["hooks"]["SessionStart"].append({})),
        "hooks of claude: SessionStart has not just one entry",
    ),
    "an entry that says whose it is": (
        edit(".codex/hooks.json", lambda v: v["hooks"]["SessionStart"][0].update(name="TOKEN")),
        "hooks: holds a path or a name",
    ),
    "a trigger in two ways": (
        sent("watcher", '{"id": "iapeer-memory-memoryd", "script": "/x", "target": "scriber"}'),
        "triggers: watcher is sent in two ways",
    ),
    "a timer that is sent to the watcher": (
        sent("watcher", '{"id": "iapeer-memory-dream-tick", "when": "x"}'),
        "triggers: dream is sent to watcher",
    ),
    "a message that is no JSON": (sent("watcher", "hello"), "a message is not JSON"),
    "calls that are none": (put("calls/x", "5\0a\0"), "the calls of the core cannot be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_one_form_that_is_not_of_the_known_shape_and_none_is_believed(home_of: Home, name: str) -> None:
    tamper, why = HOSTILE[name]
    lesson = home_of.tampered(tamper)
    assert lesson.forms is None
    assert lesson.why.startswith("not believed: ")
    assert why in lesson.why
    assert lesson.why.isprintable()
    assert lesson.version == "7.1.0"


def test_what_is_new_in_a_version_is_taken_as_it_comes(home_of: Home) -> None:
    def tamper(made: scratch.Scratch) -> None:
        logs = os.path.join(made.paths.logs, "hooks.log")
        edit("/memory-provider.json", lambda v: v.update(log=logs, docs=f"{made.root}/docs"))(made)
        edit(".mcp.json", lambda v: v["mcpServers"]["iapeer-memory"].update(timeout=30, log=logs))(made)
        edit(".claude/settings.json", lambda v: v["hooks"]["SessionStart"][0]["hooks"][0].update(timeout=0.5))(made)
        edit(".claude/settings.json", lambda v: v["hooks"].update(Stop=v["hooks"]["PostToolUse"]))(made)
        put("{seat}/.claude/skills/iapeer-memory-dig/SKILL.md", "# dig\n")(made)
        put(f"{PLUGINS}/templates/en/human.md", "# human\n")(made)
        config = Path(made.root, made.cwd(made.token), ".codex", "config.toml")
        config.write_text(config.read_text().replace("url =", "tool_timeout_sec = 60\nurl ="))

    lesson = home_of.tampered(tamper)
    host = home_of.host()
    found = learned.forms_of(host, lesson)
    assert (found.slot["log"], found.slot["docs"]) == (f"{host.paths.logs}/hooks.log", f"{host.paths.root}/docs")
    assert (found.mcp["timeout"], found.mcp["log"]) == (30, f"{host.paths.logs}/hooks.log")
    assert found.hooks["claude"]["SessionStart"]["hooks"][0]["timeout"] == 0.5
    assert found.hooks["claude"]["Stop"] == found.hooks["claude"]["PostToolUse"]
    assert found.skills["iapeer-memory-dig"] == "# dig\n"
    assert found.templates["human.md"] == "# human\n"
    assert found.toml["tool_timeout_sec"] == Raw("60")


# Where it runs, and what it gets to know


def test_what_a_provider_leaves_running_does_not_outlive_the_scratch(home_of: Home) -> None:
    home_of.script("(sleep 60; mkdir -p \"$IAPEER_ROOT/late\") >/dev/null 2>&1 </dev/null &\necho $! > pid; exit 3\n")
    host = home_of.host()
    with scratch.scratch_host(host, scratch.settings_of(host.config)) as made:
        assert scratch.run(made, host, str(home_of.place.binary), ["update"], 20).rc == 3
        pid = int(Path(made.root, "pid").read_text())
        assert not host.egress.alive(pid)
    assert list(home_of.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("exit 3", "ok config scratch/vault; exit code 3"),
        ("echo 'FAIL surfaces disk full'; echo 'ok guide'; exit 1", "FAIL surfaces disk full; exit code 1"),
        ("echo no luck >&2; exit 1", "no luck; exit code 1"),
        ("kill -SEGV $$", "ok config scratch/vault; killed by signal 11 (SIGSEGV)"),
    ],
)
def test_why_a_provider_cannot_is_told_by_how_it_ended_and_the_same_in_each_run(
    home_of: Home, ending: str, words: str
) -> None:
    home_of.script(f'[ "$1" = update ] || exit 1\necho "ok forms"; echo "ok config $IAPEER_ROOT/vault"\n{ending}\n')
    for _time in range(2):
        assert learned.study(home_of.host()).why == f"update --skip-binary in a scratch: {words}"


def test_a_provider_gets_an_environment_made_from_nothing(home_of: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    home_of.place.configure("IAPEER_MEMORY_MODE=lean", "IAPEER_MEMORY_PROACTIVE_INDEX=1", "IAPEER_MEMORY_MCP_PORT=9000")
    home_of.script("env > seen; pwd -P >> seen; cat >> seen; ls -ld . >> seen; exit 3\n")
    with scratch.scratch_host(home_of.host(), scratch.settings_of(home_of.host().config)) as made:
        assert scratch.run(made, home_of.host(), str(home_of.place.binary), ["update"], 20).rc == 3
        lines = Path(made.root, "seen").read_text().splitlines()
    root = lines[-2]
    known = dict(line.split("=", 1) for line in lines[:-2])
    assert os.path.dirname(root) == str(home_of.temporary)
    assert lines[-1].startswith("drwx------")
    for shells_own in ("PWD", "OLDPWD", "SHLVL", "_"):
        known.pop(shells_own, None)
    assert known == {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": f"{root}/home",
        "TMPDIR": f"{root}/tmp",
        "IAPEER_ROOT": root,
        "IAPEER_TEST_SANDBOX": "1",
        "IAPEER_MEMORY_BINARY_PATH": str(home_of.place.binary),
        "IAPEER_MEMORY_VAULT_PATH": f"{root}/vault",
        "IAPEER_MEMORY_LOCALE": "en",
        "IAPEER_MEMORY_MODE": "lean",
        "IAPEER_MEMORY_MCP_PORT": "9000",
        "IAPEER_MEMORY_DREAM_CRON": "0 4 * * 1",
        "IAPEER_MEMORY_PROACTIVE_INDEX": "1",
        "IAPEER_MEMORY_PROACTIVE_SCRIBER": "0",
        "IAPEER_MEMORY_PROACTIVE_DREAMWEAVER": "0",
    }


def test_the_scratch_is_laid_out_like_a_root(home_of: Home) -> None:
    with scratch.scratch_host(home_of.host(), scratch.settings_of(home_of.host().config)) as made:
        root = Path(made.root)
        manifest = json.loads(Path(made.paths.roles).read_text())["roles"]
        assert [role["role"] for role in manifest] == ["index", "scriber", "dreamweaver"]
        for role in manifest:
            assert Path(role["peerCwd"], ".iapeer", "peer-profile.json").is_file()
            assert role["template"] == f"{root}/plugins/iapeer-memory/templates/en/{role['role']}.md"
        assert Path(made.paths.guide).is_file()
        assert Path(made.paths.config_file).read_text().startswith(f"IAPEER_MEMORY_VAULT_PATH={root}/vault\n")
        done = subprocess.run([made.core, "list", "--json"], capture_output=True, check=True, env={"PATH": "/nowhere"})
        rows = json.loads(done.stdout)
        assert sorted(row["personality"] for row in rows) == sorted(["index", "scriber", "dreamweaver", made.token])
        assert all(row["description"] and os.path.isdir(row["cwd"]) for row in rows)
        probe = next(row for row in rows if row["personality"] == made.token)
        assert [item["runtime"] for item in probe["runtimes"]] == ["claude", "codex"]
        subprocess.run([made.core, "send", "", "two\nlines", "it's 100%"], check=True, env={})
        assert sorted(scratch.calls(made)) == [("list", "--json"), ("send", "", "two\nlines", "it's 100%")]
    assert not root.exists()


def test_a_scratch_is_gone_whatever_happens_in_it(home_of: Home) -> None:
    def fails() -> Iterator[None]:
        with scratch.scratch_host(home_of.host(), scratch.settings_of(home_of.host().config)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert os.listdir(home_of.temporary) == []


def test_a_folder_that_cannot_be_made_is_no_failure(home_of: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def nowhere(*_bases: object) -> Iterator[None]:
        raise Problem("there is no place to run a program from")
        yield  # pylint: disable=unreachable # it makes a generator

    monkeypatch.setattr(Files, "scratch", nowhere)
    lesson = study(home_of.host())
    assert lesson.forms is None
    assert lesson.why.startswith("no scratch to run it in: ")
    assert not lesson.lasting


def test_in_an_armed_sandbox_only_a_named_binary_is_asked(home_of: Home) -> None:
    environ = {**home_of.environ(), "IAPEER_TEST_SANDBOX": "1", "IAPEER_ROOT": str(home_of.place.root)}
    unnamed = open_host({"iapeer_bin": "/fake/iapeer"}, environ)
    lesson = study(unnamed)
    assert (lesson.forms, lesson.version, lesson.lasting) == (None, "", False)
    assert lesson.why == f"refused by the sandbox: {home_of.place.binary} was not named"
    named = open_host({"iapeer_bin": "/fake/iapeer", "binary_path": str(home_of.place.binary)}, environ)
    assert study(named).forms is not None


@pytest.mark.parametrize("version", ["7.1.0", "7.2.0", "1.0.0"])
def test_nothing_outside_the_scratch_is_touched(home_of: Home, version: str) -> None:
    home_of.install(version)
    home_of.place.write(home_of.place.slot, "{}")
    before = snapshot(home_of.place.base)
    learn(home_of.host())
    assert snapshot(home_of.place.base) == before


RUN = """
import os, sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import learn
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
print(learn(open_host({"iapeer_bin": "/fake/iapeer"}, os.environ)).origin)
"""
CALL = re.compile(r'\b(\w+)\((?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"([^"]*)"(.*)')
CHANGING = ("unlink", "rename", "mkdir", "symlink", "link", "chmod", "truncate", "rmdir", "mknod", "chown", "utime")


def changed_paths(trace: str) -> set[str]:
    """What was opened for writing, made, moved or removed."""
    found = set()
    for name, folder, path, rest in CALL.findall(trace):
        writes = re.search("O_(WRONLY|RDWR|CREAT)", rest) if name.startswith("open") else name.startswith(CHANGING)
        if writes:
            found.add(os.path.join(folder or "/unknown", path))
    return found


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None and not os.environ.get("CI"), reason="no strace here")
def test_a_run_seen_by_strace_opens_nothing_for_writing_outside_its_scratch(home_of: Home, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    environ = {**home_of.environ(), "PYTHONPATH": os.environ["PYTHONPATH"]}
    watched = ["strace", "-f", "-y", "-e", "trace=file,network,kill,tgkill", "-o", str(trace)]
    command = [*watched, sys.executable, "-B", "-c", RUN]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "learned\n"
    text = trace.read_text(errors="replace")
    written = {path for path in changed_paths(text) if not path.startswith(f"{home_of.temporary}/")}
    assert written - {"/dev/null"} == set()
    assert str(home_of.temporary) in str(changed_paths(text))
    assert "AF_INET" not in text
    _own, *others = dict.fromkeys(re.findall(r"(?m)^\d+", text))
    signalled = set(re.findall(r"\bt?g?kill\((-?\d+)", text))
    assert signalled <= {f"-{pid}" for pid in others}  # what may be left of what the run itself has started
