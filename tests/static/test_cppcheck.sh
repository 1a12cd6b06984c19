#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# cppcheck finds nothing that is not explained in cppcheck.suppressions or beside the line.
set -u
cd "$(dirname "$0")/../.." || exit 1
if ! command -v cppcheck >/dev/null; then
	echo "SKIP cppcheck is not installed"
	exit 0
fi
# jansson's loops, which cppcheck can not see without the system's headers.
found=$(cppcheck -q -j2 --enable=warning,performance,portability --std=c11 --library=posix --inline-suppr \
	--suppressions-list=tests/static/cppcheck.suppressions --suppress=missingIncludeSystem \
	-Idaemon -Ikmod '-Djson_array_foreach(a,i,v)=for(i=0;(v=json_array_get(a,i));i++)' \
	'-Djson_object_foreach(o,k,v)=for(k=first(o);(v=next(o,k));)' \
	'-Djson_object_foreach_safe(o,n,k,v)=for(k=first(o);(v=next(o,k));)' daemon 2>&1)
if [ -n "$found" ]; then
	echo "$found"
	echo "0 passed, 1 failed"
	exit 1
fi
echo "1 passed, 0 failed"
