/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the scripted link: what its calls and the test's script do to the board. Private to fake_link*.c.
 */
#ifndef ETALON_TESTS_FAKE_LINK_PRIVATE_H
#define ETALON_TESTS_FAKE_LINK_PRIVATE_H

#include "base/util.h"
#include "fake_link.h"

/* fake_link.c */
struct fake_link *fake_link_of(struct link *link);
void fake_link_lock(struct fake_link *f);
void fake_link_unlock(struct fake_link *f); /* wakes who waits for a change */

/* fake_link.c; with f->lock held */
void fake_link_note(struct fake_link *f, const char *format, ...) _printf_(2, 3); /* into the log */
void fake_link_tell(struct fake_link *f); /* an event with the state as it is now */
bool fake_link_is_lit(const struct fake_link *f); /* or will be */
void fake_link_set_gate(struct fake_link *f, bool open);
void fake_link_end_program(struct fake_link *f);
void fake_link_end_light(struct fake_link *f, uint32_t state, uint32_t cause);
/* 0, or what the script says of this call. */
int fake_link_scripted(struct fake_link *f, const char *call, struct link_refusal *ret_refusal);

/* fake_link_ops.c */
extern const struct link_ops fake_link_ops;

/* fake_link_records.c: calls of struct link_ops */
int fake_link_load(struct link *link, const struct etalon_hw_program *program,
		   const struct link_list *lists, unsigned int list_count, struct link_program *ret,
		   struct link_refusal *ret_refusal);
int fake_link_start(struct link *link, struct link_refusal *ret);
int fake_link_stop(struct link *link);
int fake_link_records(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		      size_t *ret_bytes);
int fake_link_release(struct link *link, size_t bytes);
void fake_link_records_cancel(struct link *link);

#endif
