# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""English skills of a claude peer, by the name of the directory each one's SKILL.md lives in."""

from __future__ import annotations

INIT = r"""---
name: iapeer-memory-init
description: Check that this peer is connected to the shared memory. Use in a new peer or when memory is silent.
---
# Connect this peer to the shared memory

Connecting is the work of the provider and of the operator's playbooks. You only look and explain;
you write no setting yourself. `~/.iapeer` below is `$IAPEER_ROOT` where that is set.

## Check, in this order

1. `iapeer-memory version` prints a version (else try `~/.local/bin/iapeer-memory version`).
2. `~/.iapeer/memory-provider.json`: `provider` is `iapeer-memory`, a `provision` block is there.
3. `~/.iapeer/state/iapeer-memory/fleet.json` lists a peer with this `cwd`.
4. Here: `.mcp.json` has the server `iapeer-memory`, `.claude/settings.json` has one hook each for
   `SessionStart` and `PostToolUse` whose file name starts with `iapeer-memory.`.
5. The session's context names the path of the vault, and the folder exists.
6. The memory server's search tool answers a query (an empty result is an answer).

## What to do about a gap

| finding | remedy |
|---|---|
| 1, 2 missing, 3 unreadable | operator: `ansible-playbook agfpd.iapeer_memory.update` |
| 2 names another provider | nobody writes over it; the operator decides |
| this peer absent in 3 | the core does not list it yet: register the peer, then update |
| 4 missing or wrong | operator: `verify` (below), which names the bad surface |
| 4 right, 5 or 6 missing | restart the session: hooks and servers load at its start |
| 6 still fails | look at memoryd with the skill `iapeer-memory-status` |

`ansible-playbook agfpd.iapeer_memory.verify` only reads; `-e iapeer_memory_repair=true` mends.
They run on the operator's machine: give the user the command, do not install Ansible here.

Never start `iapeer-memory memoryd` by hand: the notifier starts it and keeps it running.

## Report

One line per check (ok, or what was found), then the one next command and who runs it.
"""

STATUS = r"""---
name: iapeer-memory-status
description: Report the state of the shared memory on this host. Use when asked, or when searches fail.
---
# State of the shared memory

Read only: mend nothing, restart nothing. `~/.iapeer` is `$IAPEER_ROOT` where that is set.

## Look

1. **Slot:** `~/.iapeer/memory-provider.json`: `provider`, `version`, is there a `provision` block?
   Compare `version` with `iapeer-memory version`.
2. **memoryd:** the heartbeat must be at most 120 s old and its text must end with `watch=on`:

   ```sh
   f=~/.iapeer/state/iapeer-memory/memoryd.heartbeat
   python3 -c 'import os,sys,time; print(int(time.time()-os.stat(sys.argv[1]).st_mtime))' "$f"
   tail -n 1 "$f"
   ```

3. **Server:** ask the memory server's search tool for a word a note surely contains.
4. **Fleet map:** `~/.iapeer/state/iapeer-memory/fleet.json`: number of peers, `updatedAt`, and
   whether this folder is the `cwd` of one of them.
5. **Vault** (the session's context names its path): does it exist, how many `.md` files?

## Read the signs

- Old heartbeat: memoryd hangs or is gone. The notifier restarts it when it exits; one that hangs
  is ended by the operator's `verify` with `-e iapeer_memory_repair=true`.
- `watch=off`: search works, new notes go unnoticed. An operator's matter.
- Fresh heartbeat, no tools: this session is not connected; see the skill `iapeer-memory-init`.
- Slot without `provision`: old form; `ansible-playbook agfpd.iapeer_memory.update` migrates it.
- Slot held by another provider: say whose it is and stop.

## Report

    slot      ok    iapeer-memory 1.4.0, binary the same
    memoryd   FAIL  heartbeat 940 s old, watch=on
    server    FAIL  search tool gives no answer
    fleet     ok    12 peers, this one among them
    vault     ok    348 notes
    Next: operator runs ansible-playbook agfpd.iapeer_memory.verify

What you could not look at is `?`, not ok.
"""

MIGRATE = r"""---
name: iapeer-memory-migrate
description: Move this harness's own notes into the shared vault, one by one. Use when the user asks for it.
---
# Move own notes into the shared memory

The source is what this harness keeps for itself: for Claude Code the `memory/` folder of the
project under `~/.claude/projects/`, and rules gathered in CLAUDE.md. The goal is the vault (the
session's context names its path). Everything in the vault is read by every agent of the host.

## Before you start

1. Check that the memory server's search tool answers. If not: `iapeer-memory-status`, stop here.
2. List the source notes with one line each and your proposal: move, stay, ask.
   - move: facts, causes, decisions and rules that another agent could need;
   - stay: what concerns only this project's session, style or work in progress;
   - stay, always: secrets and private data. Say that there is one, not what it is.
3. Show the list to the user and wait. No consent, no migration; silence is no consent.

## One note at a time

1. Read the source. Does it still hold? Check what can be checked; what no longer holds, stays.
2. Search the shared memory. If a note is there, add what is new to it instead of a second one.
3. Write the note anew in the form of the guide: one subject, answer first, source, frontmatter
   with `status: draft` and yourself as `author`; "moved from own memory, first noted <date>".
4. Show it to the user, write it on a yes, read it back.
5. Cross it off and go on to the next. After a no, ask whether to go on at all.

## Never

- Delete, empty or edit the source, not even afterwards. Clearing up is the user's business.
- Copy in bulk, by script, or without reading.

## Report

Moved (titles), merged into (titles), left behind (number and reasons), not yet looked at.
"""

DISTILL = r"""---
name: iapeer-memory-distill
description: Turn this session's lessons into one to three good notes. Use at the end of a task or on request.
---
# Distil this session into notes

Of a long session little deserves to last. Find that little; none at all is a valid result.

## Find the lessons

Go through the session and ask:

- What did I believe at first that was wrong? What showed it?
- What took long to find and is said in two sentences now?
- What did the user decide, correct or ask for that holds beyond this task?
- Which way round an obstacle would I take again?

Strike out what code, commits or documentation already say, what is a guess, what was done but
taught nothing, and every secret. Keep one to three; the most reusable first.

## Write each one

1. Search the shared memory for it in two wordings. A note exists: improve that one.
2. Title: the lesson as a statement ("Migrations need the lock held"), not "Session notes".
3. The first two lines say what to do or know. Then why, then the source: file, command, date,
   person. Then links to neighbours.
4. Frontmatter as in the guide: `title`, `tags`, `status: draft`, `author` (you), `created`.
5. Put it into the vault (the session's context names its path), next to its neighbours.
6. Read it as someone who was not here. Does it need this session to be understood? Rewrite it.

## Good and bad

- Bad: "Fixed CI, it was the cache."
- Good: "CI reuses the cache across Python versions. Key it with the version, or compiled wheels
  break with 'undefined symbol'. Seen 2026-03-02, job build-312."

## Report

Titles written or improved, one line each; what you left out on purpose, in one sentence.
"""

SKILLS: dict[str, str] = {
    "iapeer-memory-init": INIT,
    "iapeer-memory-status": STATUS,
    "iapeer-memory-migrate": MIGRATE,
    "iapeer-memory-distill": DISTILL,
}
