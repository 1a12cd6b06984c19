# SPDX-License-Identifier: GPL-3.0-or-later
#
# How fast the driver was, from its trace points, in the guest's time. One event begins with a mark
# of guest/marks.c in the trace; its latency runs from the first cause that the driver saw to the
# moment at which the board had been told, and had obeyed. One that could not be told is no event.
tracing=/sys/kernel/tracing

start_trace() {
	mount -t tracefs tracefs $tracing 2>/dev/null
	echo mono >$tracing/trace_clock && echo 4096 >$tracing/buffer_size_kb &&
		echo 1 >$tracing/events/etalon/enable && echo 1 >$tracing/tracing_on
}

# Kind and microseconds, one line for each event.
latencies() {
	awk '
	function us(field) { sub(":", "", field); return field * 1000000 }
	{ for (i = 1; i < NF && $i !~ /^[0-9]+\.[0-9]+:$/; i++); at = us($i); what = $(i + 1) }
	what == "tracing_mark_write:" { kind = $NF; seen = 0; told = 0 }
	what == "etalon_cause_seen:" && !seen { seen = at }
	what == "etalon_emission_off:" && seen && !told && / result 0$/ { told = at; printf "%s %.0f\n", kind, told - seen }
	' $tracing/trace
}

# Prints what it found; fails when there were fewer events or it was slower.
check_latency() { # events-at-least median-at-most-us
	latencies >latencies
	echo 0 >$tracing/tracing_on
	sort -k 1,1 -k 2,2n latencies | awk '
		{ if ($1 != kind) { show(); kind = $1; n = 0 } value[++n] = $2 }
		function show() { if (n) printf "%-9s %3d events, median %6d us, at most %6d us\n", kind, n, value[int((n + 1) / 2)], value[n] }
		END { show() }'
	sort -k 2,2n latencies | awk -v least="$1" -v most="$2" '
		{ value[NR] = $2 }
		END {
			median = value[int((NR + 1) / 2)]
			printf "all %d events, median %d us, at most %d us\n", NR, median, value[NR]
			exit !(NR >= least && median <= most)
		}'
}
