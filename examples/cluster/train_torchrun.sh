#!/usr/bin/env bash
# Trains on several devices of one machine, or of several machines, through torchrun.
#
# On one machine, all its GPUs:
#
#   ./train_torchrun.sh --data clips.npz --preset paper --run runs/a
#
# On two machines, this on each; data and run folder must be where both see them:
#
#   NODES=2 RENDEZVOUS=first-machine:29500 \
#     ./train_torchrun.sh --data clips.npz --preset paper --run runs/a
#
# What follows the script's name goes to `posenet3d train` as it is. The same
# command goes on with a run that was stopped. Environment:
#
#   PROCESSES   on each machine; "auto": one a GPU (without GPUs say how many)
#   NODES       machines
#   RENDEZVOUS  host:port of one of several machines, where they meet
#   JOB         a name that tells this meeting from others there
#   PYTHON      the Python that posenet3d is installed in
#
# torchrun leaves with 1 whatever stopped a process; what it said stands above.
set -euo pipefail

PROCESSES=${PROCESSES:-auto}
NODES=${NODES:-1}
PYTHON=${PYTHON:-python}

if [ "$NODES" -gt 1 ]; then
  meeting=(
    --rdzv-backend=c10d
    --rdzv-endpoint="${RENDEZVOUS:?"expected host:port of one of the machines"}"
    --rdzv-id="${JOB:-posenet3d}"
  )
else
  meeting=(--standalone)
fi

# What torchrun would choose as well, but for its warning.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# The two dashes keep torchrun from taking --run for its own --run-path.
exec "$PYTHON" -m torch.distributed.run \
  --nnodes="$NODES" --nproc-per-node="$PROCESSES" "${meeting[@]}" \
  -m -- posenet3d train --devices auto --nodes "$NODES" "$@"
