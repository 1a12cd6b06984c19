#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A test whose checks pass while something else goes wrong, as the file `how` says.
. ./check.sh

check "all seems well" true
case $(cat how) in
splat) echo "WARNING: CPU: 0 PID: 1 at drivers/nowhere.c:1" >/dev/kmsg ;;
panic) echo c >/proc/sysrq-trigger ;;
hang) sleep 1000 ;;
stop) exit 0 ;;
fail) exit 3 ;;
esac
finish
