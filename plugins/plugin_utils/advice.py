# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a row of a report, in a sentence for people. Pure."""

from __future__ import annotations

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils import conditions
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import BAD, CHANGED, UNREACHABLE, Report, Row

AGAIN = "run the same command again: what is in place is left alone"
REPAIR = "Run verify with -e iapeer_memory_repair=true, which mends this."
BY_HAND = f"Mend what the reason names, then {AGAIN}."
# Checks that repair does not mend, or not always.
CHECKS = {
    "config": "Mend config.env on the host: it is the operator's, and nothing here writes it.",
    "forms": "Look at why the installed binary does not tell its forms; the bundled ones serve meanwhile.",
    "memory-slot": (
        f"{REPAIR} A slot in the v1.1 form is migrated by update; one that another provider holds is left alone."
    ),
    "legacy-plugin": "Run update, which takes the old plugin off.",
    "mcp-endpoint": "Look at memoryd's log on the host, and at who else listens on that port.",
    "memoryd-heartbeat": (
        "Where memoryd hangs, run verify with -e iapeer_memory_repair=true. Where it does not run, start the notifier, "
        "which starts it."
    ),
}
STEPS = {
    "binary": f"Name a binary for this host in iapeer_memory_binary_src, or install it there, then {AGAIN}.",
    "plugin-off": f"Mend the surfaces first: the plugin goes only where nothing depends on it any more. Then {AGAIN}.",
    "slot": f"See the steps before it: the slot changes only after they are done. Then {AGAIN}.",
    "memoryd": f"Look at memoryd's log on the host and whether the notifier runs, then {AGAIN}.",
}


def advice(report: Report, row: Row) -> str:
    """What to do about a row; empty where there is nothing to do."""
    if row.status == UNREACHABLE:
        return f"See that the host is up and that `ansible -m ping` reaches it, then {AGAIN}."
    if row.status in BAD:
        return _of_failure(report, row)
    if row.status == CHANGED and report.check_mode:
        return "Run the same command without --check to have it done."
    return ""


def _of_failure(report: Report, row: Row) -> str:
    if row.name == conditions.STAND_IN:
        waits = row.detail == conditions.WAITING
        return f"{AGAIN[0].upper()}{AGAIN[1:]}." if waits else f"Mend what the run printed of this host, then {AGAIN}."
    if report.playbook == "verify":
        return CHECKS.get(row.name, REPAIR if len(report.rows) > 1 else BY_HAND)
    return STEPS.get(row.name, BY_HAND) if report.playbook == "update" else BY_HAND
