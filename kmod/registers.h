/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations of a board whose link carries registers: those marked (r) in struct etalon_link_ops,
 * made of its read() and write().
 */
#ifndef ETALON_REGISTERS_H
#define ETALON_REGISTERS_H

#include "etalon.h"

/* What the board thinks of the last command, upload or write. */
int etalon_registers_result(struct etalon_board *board, struct etalon_refusal *refusal);
int etalon_registers_read_wide(struct etalon_board *board, u32 address, u64 *ret);
/* A write, then what the board thinks of it. */
int etalon_registers_try(struct etalon_board *board, u32 address, const u32 *values,
			 unsigned int count, struct etalon_refusal *refusal);

int etalon_registers_safety(struct etalon_board *board, struct etalon_safety *ret);
int etalon_registers_command(struct etalon_board *board, u32 command,
			     struct etalon_refusal *refusal);
int etalon_registers_dark(struct etalon_board *board, u32 command);
int etalon_registers_kick(struct etalon_board *board);
int etalon_registers_set_watchdog(struct etalon_board *board, u32 period_ns,
				  struct etalon_refusal *refusal);
int etalon_registers_set_limits(struct etalon_board *board, u32 source,
				const struct etalon_span *limits, struct etalon_refusal *refusal);
int etalon_registers_set_source(struct etalon_board *board, u32 source, s64 value,
				struct etalon_refusal *refusal);
int etalon_registers_get_source(struct etalon_board *board, u32 source,
				struct etalon_source_now *ret);
int etalon_registers_set_compliance(struct etalon_board *board, u32 source, s64 value,
				    struct etalon_refusal *refusal);
int etalon_registers_set_range(struct etalon_board *board, u32 detector, u32 range,
			       struct etalon_refusal *refusal);
int etalon_registers_set_live_aperture(struct etalon_board *board, u32 aperture_ns,
				       struct etalon_refusal *refusal);
int etalon_registers_live(struct etalon_board *board, u32 first, u32 count,
			  struct etalon_hw_live *ret);
int etalon_registers_loaded(struct etalon_board *board, struct etalon_loaded *ret);
int etalon_registers_tick(struct etalon_board *board, u64 *ret);
int etalon_registers_aux_direction(struct etalon_board *board, u32 mask, u32 outputs);
int etalon_registers_aux_set(struct etalon_board *board, u32 mask, u32 values);
int etalon_registers_aux_outputs(struct etalon_board *board, u32 *ret_outputs);
int etalon_registers_aux_get(struct etalon_board *board, u32 *ret_values, u32 *ret_edges);

#endif
