# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of memoryd and the slot (contract §8 and §3). Words alone: the controller reads them too, at the cost of
every import.
"""

from __future__ import annotations

HUNG_AFTER = 120  # seconds
BACK, INDEXING, HUNG, DEAD, FLAPPING = "back", "indexing", "hung", "dead", "flapping"
LOST = (HUNG, DEAD, FLAPPING)  # what no waiting mends
OLD_SWEEP = "old-sweep"  # a trigger of earlier versions, which goes
MIGRATE = "the slot is in the v1.1 form: migrate with update"


def held_by(provider: str) -> str:
    """Who has the slot, where it is another provider."""
    return f"the slot is held by {provider}"
