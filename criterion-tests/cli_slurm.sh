#!/bin/bash
# criterion-tests/cli_slurm.sh: scenarios as an array of a real Slurm, whose only node is this host, on loopback.
# SPDX-License-Identifier: Apache-2.0
# Its daemons have a folder, ports, a key and a configuration of their own, and are gone at the end.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
# shellcheck source-path=SCRIPTDIR source=scenarios.bash
source "$here/scenarios.bash"
PATH=$PATH:/usr/sbin
((EUID == 0)) || { echo "skipped: slurmd wants root"; exit 77; }
command -v munged slurmctld slurmd sbatch >/dev/null || { echo "skipped: Slurm is not installed"; exit 77; }
cd "$folder" || exit 1

daemons=()
stop() {
  ((${#daemons[@]})) && kill "${daemons[@]}" 2>/dev/null && wait "${daemons[@]}"
  rm -rf "$folder"
}
trap stop EXIT

chmod 755 . # what munge asks of the folder of its socket
mkdir state spool
(umask 077 && head -c 1024 /dev/urandom >key)
port=$((20000 + $$ % 20000)) node=$(hostname -s)
cat >slurm.conf <<END
ClusterName=one
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.sock
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000
PartitionName=one Nodes=ALL Default=YES
END
export SLURM_CONF=$folder/slurm.conf
munged --foreground --force --socket="$folder/munge.sock" --key-file="$folder/key" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/seed" >munged.out 2>&1 &
daemons+=($!)
wait_for $! test -S munge.sock
slurmctld -D >slurmctld.log 2>&1 &
daemons+=($!)
slurmd -D >slurmd.log 2>&1 &
daemons+=($!)
is_idle() { [[ $(sinfo -h -o %T 2>/dev/null) == idle ]]; }
timeout 60 bash -c "$(declare -f is_idle); until is_idle; do sleep 0.2; done"
held=$?
check "the node is idle: $(tail -n 3 munged.out slurmctld.log slurmd.log)" $held
((failed)) && finish

kernel hi 'hi there'
kernel bug 'BUG: all is lost'
scenario good hi 'end = "guest-exit";'
scenario second hi 'steps = ({ expect = "hi"; });'
scenario third hi 'steps = ({ match = "^hi t.*e$"; });'
scenario bad bug 'end = "guest-exit";'
export RESULTS=$folder/results MIRRORBALL=$program
timeout 120 sbatch --wait --array=1-3 "${MB_SOURCE:?}/guests/suites/slurm.sbatch" good.test bad.test second.test third.test >out 2>&1
held=$?
check "the array's exit code is that of its worst shard, not $held: $(cat out slurm-*.out)" $((held != 1))
held=$(echo results/shard-*.json)
check "each task leaves its results, not just $held" "$([[ $held == 'results/shard-1.json results/shard-2.json results/shard-3.json' ]]; echo $?)"
"$program" test --merge results/shard-*.json >merged 2>&1
held=$?
grep -q '3 good, 1 bad' merged || held=missing
check "they merge to one verdict: $held, $(cat merged)" $((held != 1))

finish
