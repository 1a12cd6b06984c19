#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds what the virtual-machine tests need, or says that it is there: a QEMU, a toolchain
# with the kernels and their headers, the guest and the debug kernel. All of it lies below
# ${XDG_CACHE_HOME:-~/.cache}/etalon/vm, keyed by what went in; removing that folder is safe.
#
# usage: tests/vm/testbed.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/vm/testbed/prepare.sh

obstacle=$(testbed_obstacle)
[ -z "$obstacle" ] || { echo "testbed: $obstacle" >&2; exit 1; }
began=$SECONDS
prepare_testbed debug
say "ready after $((SECONDS - began)) s; kernels $(cat "$toolchain"/kernels/*/release | paste -s -d ' ')"
