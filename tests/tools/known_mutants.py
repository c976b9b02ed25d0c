# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants that once survived, or whose survival would cost somebody a file or a process: tests must notice each.

An anchor has to be in its file just once. Where the code changes, the anchor follows it, or goes with what it was for.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """A mutant: the file below module_utils, what it does wrong, the text as it is and as it is then."""

    file: str
    says: str
    old: str
    new: str


KNOWN = (
    # Processes
    Known(
        "_doorway/egress.py",
        "the signal goes to the number, not to the process that was looked at",
        """            if handle is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(handle, number)  # type: ignore[attr-defined, unused-ignore]
""",
        """            os.kill(pid, number)
""",
    ),
    Known(
        "_doorway/egress.py",
        "the process is looked at before its handle is opened",
        """            handle = _open_pidfd(pid)
            found = self.process(pid)
            reason""",
        """            found = self.process(pid)
            handle = _open_pidfd(pid)
            reason""",
    ),
    Known(
        "_doorway/egress.py",
        "the verdict is asked about no process",
        '''            reason = f"no process {pid}" if found is None else verdict(found)
            if reason''',
        """            reason = verdict(found)
            if reason""",
    ),
    Known("_doorway/processes.py", "the start is never in summer time", "0, 0, -1)", "0, 0, 0)"),
    # The sandbox
    Known(
        "_doorway/sandbox.py",
        "the second switch is misspelled",
        '"IAPEER_MEMORY_SUPPRESS_IAP_SEND")',
        '"IAPEER_MEMORY_SUPPRESS_SEND")',
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "a live peer is not refused",
        """    for trace in traces:
        host.files.sandbox.check(trace.cwd)
""",
        "",
    ),
    Known(
        "_surfaces/sweep.py",
        "check mode does not foresee that the shims are refused",
        """    for edit in edits:
        foresee(host.files, edit)
""",
        "",
    ),
    # The old plugin
    Known(
        "_surfaces/plugin_settings.py",
        "the kept copy goes although the client failed half-way",
        "    if gone or (now == found and not settings.kept):\n",
        "    if True:\n",
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "the copy is kept only after the client ran",
        """        keep(tree, settings)
        args = ["plugin", "uninstall", PLUGIN, "--scope", "project"]
        done = host.egress.run(client, args, cwd=trace.cwd, timeout=CLIENT_SECONDS)
""",
        """        args = ["plugin", "uninstall", PLUGIN, "--scope", "project"]
        done = host.egress.run(client, args, cwd=trace.cwd, timeout=CLIENT_SECONDS)
        keep(tree, settings)
""",
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "the native removal takes no lock",
        """    with provision_lock(host, lock_timeout(options)) as lock:
        for trace in traces:
            lock.keep_young()
""",
        """    if True:
        for trace in traces:
""",
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "any plugin of Codex is ours",
        'toml_document.read(found.data, ("plugins", PLUGIN)) is None',
        'toml_document.read(found.data, ("plugins",)) is None',
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "an odd config of Codex without a word of ours is a trace",
        "        return [] if told else [trace._replace(unseen=str(problem))]\n    return [trace]",
        "        return [trace._replace(unseen=str(problem))]\n    return [trace]",
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "a peer with codex alone is swept",
        '        if "claude" in peer.runtimes:\n',
        "        if True:\n",
    ),
    Known(
        "_surfaces/legacy_plugin.py",
        "one peer that cannot be read stops all",
        "        return [] if unseen is None else [trace._replace(unseen=str(unseen))]\n",
        "        raise\n",
    ),
    # Files and folders
    Known(
        "_doorway/files.py",
        "without its folder, a file of that name in the working folder is removed",
        """            if folder is not None:
                drafts.sweep(folder, leaf)
                os.unlink(spell(leaf), dir_fd=folder)
                drafts.sync_folder(folder)
""",
        """            os.unlink(spell(leaf), dir_fd=folder)
""",
    ),
    Known(
        "_doorway/files.py",
        "without its folder, a folder of that name in the working folder is removed",
        """            if folder is not None:
                drafts.remove(folder, leaf)
""",
        """            drafts.remove(folder, leaf)
""",
    ),
    Known(
        "_doorway/drafts.py",
        "a rename ends in the working folder",
        "src_dir_fd=folder, dst_dir_fd=folder)\n\n\ndef link",
        "src_dir_fd=folder)\n\n\ndef link",
    ),
    Known(
        "_doorway/files.py",
        "a lost claim says that it won",
        "                return False  # taken, or a rival",
        "                return True  # taken, or a rival",
    ),
    Known(
        "_doorway/files.py",
        "a claim goes on though a sweeper holds its draft",
        "not (inside.try_lock() and inside.still_there())",
        "not inside.still_there()",
    ),
    Known(
        "_doorway/drafts.py",
        "a write does not see that a sweeper took its draft",
        "mine = os.fstat(handle).st_nlink > 0",
        "mine = True",
    ),
    Known(
        "_doorway/handles.py",
        "who waits for a lock does not wait",
        "(0 if wait else fcntl.LOCK_NB)",
        "fcntl.LOCK_NB",
    ),
    Known(
        "_doorway/folders.py",
        "what took a file's place after the look is read",
        "                    require_regular(os.fstat(handle), self.path(name))\n            yield handle",
        "            yield handle",
    ),
    Known(
        "_doorway/files.py",
        "of two runs that make one folder, one fails",
        "        with contextlib.suppress(FileExistsError):\n            if os.geteuid() == 0",
        "        with contextlib.suppress(NotADirectoryError):\n            if os.geteuid() == 0",
    ),
    Known("_doorway/files.py", "a new file ignores the umask", "0o644 & ~self._files.umask", "0o644"),
    Known("_doorway/files.py", "a new file is open to all but the umask", "0o644 & ~self", "0o666 & ~self"),
    Known(
        "_doorway/files.py",
        "a new folder is open to all but the umask",
        "make_folder(self, name: str, mode: int = 0o755)",
        "make_folder(self, name: str, mode: int = 0o777)",
    ),
    # The lock
    Known(
        "_surfaces/lock.py",
        "no second look once the folder is locked",
        "            if not _is_breakable(host, lock, watch):\n",
        "            if False:\n",
    ),
    Known(
        "_surfaces/lock.py",
        "an error of the release hides the one before it",
        "    with contextlib.suppress(Problem, OSError):\n        if _owner(state,",
        "    with contextlib.suppress(ZeroDivisionError):\n        if _owner(state,",
    ),
    Known(
        "_surfaces/sweep.py",
        "what is to be done is planned before the lock is held",
        """    with provision_lock(host, lock_timeout) as lock:
        plan = _plan(host, peers, wanted, core, lock.keep_young)
""",
        """    plan = _plan(host, peers, wanted, core)
    with provision_lock(host, lock_timeout) as lock:
""",
    ),
    # Things
    Known(
        "_things/binary.py",
        "the new binary is not written",
        "        tree.copy_in(name, program, EXECUTABLE, checksum)\n",
        "        pass\n",
    ),
    # Documents
    Known(
        "_documents/toml_scan.py",
        "a dotted key stands for its first part",
        "kind, path = PAIR, header + key\n",
        "kind, path = PAIR, header + key[:1]\n",
    ),
    Known(
        "_documents/toml_document.py",
        "blank lines below a table of ours in the first line stay",
        "last >= 0 and cut[last]",
        "last > 0 and cut[last]",
    ),
)
