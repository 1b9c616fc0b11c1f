# criterion-tests/page/results.py: an experiment's results as if a machine of four nodes had been measured, for the page.
# SPDX-License-Identifier: Apache-2.0
import json
import sqlite3
import sys
import zlib

NODES, PAGES, INTERVALS = 4, 300, 40
# How local the misses of each policy are, and how long it takes next to none at all.
POLICIES = {"none": (0.16, 1.00), "migrate": (0.55, 0.82), "both": (0.78, 0.67)}


def sampled(near):
    """Of one interval nothing is known of how sure it is."""
    def ratio(mean):
        return {"mean": mean, "ci95": None if near > 0.7 else mean / 10}
    return {"every_ms": 25, "warm_ms": 1, "cache_ms": 1, "intervals": 1 if near > 0.7 else 40, "instructions": 10_000_000,
            "l1_misses_per_1000_instructions": ratio(12.5), "misses_per_1000_instructions": ratio(1.25),
            "tlb_refills_per_1000_instructions": ratio(0.3), "stall_ns_per_instruction": ratio(0.7), "local_share": ratio(near)}


def stats(near, time, policy):
    vcpus = []
    for node in range(NODES):
        misses = 1_000_000 + 1000 * node
        far = (1 - near) / (NODES - 1)
        vcpus.append({"cpu": node, "node": node, "tlb_refills": 20_000,
                      "misses": {"local": int(misses * near * 0.9), "remote_clean": int(misses * (1 - near) * 0.9),
                                 "remote_dirty": misses // 12, "upgrade": misses // 60},
                      "stall_ns_by": {"local": misses * near * 300, "remote_clean": misses * (1 - near) * 900, "tlb": 2e7},
                      "misses_by_home": [int(misses * (near if to == node else far)) for to in range(NODES)]})
    vm = {"name": "vm1", "instructions": 200_000_000, "mhz": 200, "idle_cycles": 4_000_000, "stall_cycles": 400_000_000 * time,
          "virtual_ns": 1e9 * time, "numa": {"fidelity": "sample", "machine": "flash", "nodes": NODES, "vcpus": vcpus,
                                             "sampled": sampled(near)},
          "placement": {"migrations": 0 if policy == "none" else 900, "replications": 1300 if policy == "both" else 0,
                        "collapses": 12 if policy == "both" else 0, "copies_lost": 7, "ns": 0 if policy == "none" else 9e7}}
    return {"instructions": 200_000_000, "vms": [vm]}


def page_log(policy):
    out = ["mirrorball page log 1", f"nodes {NODES}"]
    out += [f"p {f:x} {f % 2} {0x100 + f * 3:x}" for f in range(PAGES)]
    for i in range(INTERVALS):
        out.append(f"t {(i + 1) * 100_000_000 - 50_000_000}")
        user = [(f * 7 // 50 + (i // 12 if f % 5 == 0 else 0)) % NODES for f in range(PAGES)]
        home = user if policy != "none" and i % 12 > 1 else [f % NODES for f in range(PAGES)]
        if policy != "none" and i % 12 == 1:
            out += [f"m {f:x} {f % NODES} {user[f]}" for f in range(0, PAGES, 5)]
        if policy == "both" and i == 20:
            out += [f"r {f:x} 0 {1 + f % 3}" for f in range(1, PAGES, 10)] + ["l 1 0 2 3", "l b 0 2 -"]
        out.append(f"t {(i + 1) * 100_000_000}")
        for f in range(PAGES):
            heat = max(0, 400 - abs(f - 150) * 3 + (i * 37 + f * 11) % 90)
            if heat > 16:
                out.append(f"h {f:x} {home[f]} {user[f]}:{heat}+{heat // 8} {(user[f] + 1) % NODES}:{heat // 5}+0")
    return "\n".join(out).encode() + b"\n"


db = sqlite3.connect(sys.argv[1])
for i, (policy, (near, time)) in enumerate(POLICIES.items()):
    key, log = f"{i:032x}", page_log(policy)
    db.execute("INSERT INTO run VALUES(?,?,?,?,?,?,?,?,?)",
               (key, "0", "vms = ();", "--numa=cache", 0, 1.0, 1.0, "2024-01-01 00:00:00", json.dumps(stats(near, time, policy))))
    db.execute("INSERT INTO page_log VALUES(?,?,?)", (key, len(log), zlib.compress(log)))
    db.execute("INSERT INTO cell VALUES(?,?,?,?,?,?,?,?)", ("made up", i, "</script><b>x", "", "flash", policy, "cache", key))
db.execute("INSERT INTO cell VALUES(?,?,?,?,?,?,?,?)", ("made up", 9, "later", "", "flash", "none", "cache", "9" * 32))
db.execute("INSERT INTO experiment VALUES(?,?,?)", ("made up", "A machine that was never measured", "For the test of the page."))
db.execute("DELETE FROM experiment WHERE name='none'")
db.commit()
