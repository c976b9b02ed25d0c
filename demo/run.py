# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: a throwaway host with a v1.1 slot is updated, drifts, is found out and mended. Nothing else is touched."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    Peer,
    ThrowawayHost,
    build_host,
    diff,
    install_provider,
    read_json,
    write_json,
)

CHECKOUT = Path(__file__).resolve().parent.parent
PEERS = (
    Peer("index"),
    Peer("scriber"),
    Peer("dreamweaver"),
    Peer("alpha"),
    Peer("beta", ("codex",)),
    Peer("gamma", ("claude", "codex")),
)
OLD, VERSION = "7.1.0", "7.2.0"
WIDTH = 118
REAL = tuple(Path(pwd.getpwuid(os.getuid()).pw_dir, name) for name in (".iapeer", ".claude", ".codex"))


class Failed(Exception):
    """The demo did not show what it promises."""


def main() -> int:
    """Run the demo; the exit code is 0 only where all of it came out as told."""
    before = real_account()
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-demo-") as folder:
        host = build_host(Path(folder, "host"), form="v1_1", version=OLD, peers=PEERS, watcher=True, guide=True)
        try:
            tell(host, Path(folder))
        except Failed as failure:
            print(f"\nThe demo failed: {failure}", file=sys.stderr)
            return 1
        finally:
            host.stop()
    if real_account() != before:
        print("\nThe demo failed: it touched the real account", file=sys.stderr)
        return 1
    print("\nThe throwaway host is gone; ~/.iapeer, ~/.claude and ~/.codex of this account are as they were.")
    return 0


def tell(host: ThrowawayHost, folder: Path) -> None:
    """Go through the story on a host that was just built."""
    host.start_notifier()
    old_pid = host.wait_daemon()
    binary = install_provider(folder / "iapeer-memory", VERSION, sys.executable)
    head(f"A throwaway host: {len(PEERS)} peers, slot in the v1.1 form, memoryd {OLD} running (pid {old_pid})")
    install = ("-e", f"iapeer_memory_binary_src={binary}")
    built = host.snapshot()
    output = step(
        host, f"What would {VERSION} bring?", "update", "--check", "--diff", *install, only="forms", binary=binary
    )
    texts = sorted(set(re.findall(r"^(HOST/\S+: \+\d+ -\d+ lines?)$", output, re.MULTILINE)))
    expect(bool(texts) and f"learned from v{VERSION}" in output, "the new version's texts were not learned and shown")
    expect(not diff(built, host.snapshot()), f"looking changed something: {diff(built, host.snapshot())}")
    print(f"  the new binary was asked from a scratch place: {len(texts)} files would become other ones, such as")
    print("\n".join(f"    {path}" for path in texts[:: len(texts) // 4]))
    step(host, f"Bring it to {VERSION}", "update", *install, binary=binary)
    expect(host.daemon_pid() not in (None, old_pid), "memoryd was not restarted")
    print(f"  memoryd: pid {old_pid} ended, pid {host.daemon_pid()} runs {VERSION}; slot: {form(host)}")
    still = host.snapshot()
    output = step(host, "Once more: nothing to do", "update", *install, show=False, binary=binary)
    expect("changed=0" in output and not diff(still, host.snapshot()), "a second update changed something")
    print("  changed=0, not a byte was written")
    told = host.provider_verify("--repair")
    bad = [name for name, row in told.items() if row[0] not in ("ok", "skip")]
    worked = host.provider_update().returncode == 0
    same = told and not bad and worked and not diff(still, host.snapshot())
    expect(bool(same), f"the provider is of another mind: {bad}")
    head(f"What does the provider say to that?\n$ iapeer-memory verify --repair\n  {len(told)} checks, nothing to mend")
    print("$ iapeer-memory update --skip-binary\n  not a byte was written")
    changes = stage_drift(host)
    head(f"Somebody changes {len(changes)} things: {', '.join(changes)}")
    drifted = host.snapshot()
    output = step(host, "What would update change?", "update", "--check", "--diff", "-v", show=False)
    print("\n".join(f"  {line}" for line in changed_lines(output)))
    step(host, "What has drifted?", "verify", code=2, only="FAIL")
    expect(not diff(drifted, host.snapshot()), "looking changed something")
    step(host, "Mend it", "verify", "-e", "iapeer_memory_repair=true", only="repaired")
    reports = folder / "reports"
    output = step(
        host, "And look again, with a report", "verify", "-e", f"iapeer_memory_report_dir={reports}", binary=reports
    )
    expect(f"learned from v{VERSION}" in output, "what is wanted was not learned from the provider")
    fleet = read_json(reports / "fleet.json")
    expect(fleet["counts"]["clean"] == 1, "the report is not clean")
    print(f"  reports: {', '.join(sorted(path.name for path in reports.glob('[!.]*')))}; clean hosts: 1 of 1")


def step(
    host: ThrowawayHost,
    title: str,
    playbook: str,
    *arguments: str,
    code: int = 0,
    only: str = "",
    show: bool = True,
    binary: Path | None = None,
) -> str:
    """Run a playbook on the host, print the command and its table; returns all of its output."""
    shown = " ".join(arguments).replace(str(binary), binary.name if binary else "") if binary else " ".join(arguments)
    head(f"{title}\n$ ansible-playbook agfpd.iapeer_memory.{playbook} -i hosts.yml {shown}".rstrip())
    command = [Path(sys.executable).with_name("ansible-playbook"), f"agfpd.iapeer_memory.{playbook}", *arguments]
    command += ["-i", "demo,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    environment = {**os.environ, **host.env, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
    environment["ANSIBLE_HOME"] = str(host.base.parent / "ansible")
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, cwd=CHECKOUT)
    lines = table(done.stdout)
    if done.returncode != code or not lines:
        print(done.stdout[-4000:], done.stderr[-2000:], sep="\n")
        raise Failed(f"{playbook} ended with {done.returncode}, not {code}")
    for line in lines if show else ():
        short = line.replace(str(host.base), "HOST")
        if not only or f"  {only} " in line:
            print(short if len(short) <= WIDTH else f"{short[: WIDTH - 3]}...")
    return done.stdout.replace(str(host.base), "HOST")


def table(output: str) -> list[str]:
    """The rows of the report in what a playbook printed."""
    match = re.search(r"^demo: (?:update|verify).*\n((?:  .*\n)+)", output, re.MULTILINE)
    return match[1].splitlines() if match else []


def changed_lines(output: str) -> list[str]:
    """The files, and the lines in them, that --diff shows."""
    lines = re.findall(r"^(?:\+\+\+ |[-+](?![-+])).*$", output, re.MULTILINE)
    return [line.replace("+++ after: ", "") if line.startswith("+++") else f"  {line}" for line in lines]


def stage_drift(host: ThrowawayHost) -> list[str]:
    """Change what a person or a tool might change."""
    settings = host.peer("alpha") / ".claude" / "settings.json"
    value = read_json(settings)
    del value["hooks"]["SessionStart"]
    write_json(settings, value, mode=0o600)
    config = host.peer("beta") / ".codex" / "config.toml"
    config.write_text(config.read_text().replace(f":{host.port}/mcp", ":9999/mcp"))
    doctrine = host.peer("scriber") / ".iapeer" / "IAPEER.md"
    doctrine.write_text(doctrine.read_text().replace(f"doctrine v{VERSION}", "doctrine v1.0.9", 1))
    return ["a hook of alpha", "the port in beta's config.toml", "the version of scriber's doctrine"]


def form(host: ThrowawayHost) -> str:
    """The slot in a few words."""
    slot = host.slot()
    return f"v1.2, version {slot['version']}" if "provision" in slot and "plugin" not in slot else "not v1.2"


def real_account() -> list[tuple[str, float]]:
    """What stands in the real account's folders, with the times of change."""
    files = [path for top in REAL if top.exists() for path in sorted([top, *top.rglob("*")])]
    return [(str(path), path.lstat().st_mtime) for path in files]


def head(text: str) -> None:
    """Print the title of a part."""
    print(f"\n{text}", flush=True)


def expect(condition: bool, complaint: str) -> None:
    """Fail where something is not as it must be."""
    if not condition:
        raise Failed(complaint)


if __name__ == "__main__":
    sys.exit(main())
