/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace points: when a cause to end emission was seen, and when the board had been told. Their
 * difference is the latency of this driver.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM etalon

#if !defined(ETALON_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ETALON_TRACE_H

#include <linux/tracepoint.h>

#ifndef ETALON_TRACE_CAUSES
#define ETALON_TRACE_CAUSES                                                                        \
	{ 0, "request" }, { 1, "close" }, { 2, "expiry" }, { 3, "suspend" }, { 4, "reset" },       \
		{ 5, "unplug" }, { 6, "shutdown" }, { 7, "distrust" }
#endif

TRACE_EVENT(etalon_cause_seen,
	TP_PROTO(int board, int cause),
	TP_ARGS(board, cause),
	TP_STRUCT__entry(
		__field(int, board)
		__field(int, cause)
	),
	TP_fast_assign(
		__entry->board = board;
		__entry->cause = cause;
	),
	TP_printk("etalon%d %s", __entry->board,
		  __print_symbolic(__entry->cause, ETALON_TRACE_CAUSES))
);

TRACE_EVENT(etalon_emission_off,
	TP_PROTO(int board, int cause, int result),
	TP_ARGS(board, cause, result),
	TP_STRUCT__entry(
		__field(int, board)
		__field(int, cause)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->board = board;
		__entry->cause = cause;
		__entry->result = result;
	),
	TP_printk("etalon%d %s result %d", __entry->board,
		  __print_symbolic(__entry->cause, ETALON_TRACE_CAUSES), __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
