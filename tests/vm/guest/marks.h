/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the guest's tests write into the board's scratch register, which has no effect but a line in
 * the emulator's log: which trial of which end of light, and how far it is. Written by guest/dark.c,
 * read by light_log.c on the host. "Light" is what the board may let out of a port.
 */
#ifndef ETALON_TESTS_VM_MARKS_H
#define ETALON_TESTS_VM_MARKS_H

#include <stdint.h>
#include <string.h>

enum mark_kind {
	MARK_CLOSE, /* close() of the control fd */
	MARK_KILL, /* its holder gets SIGKILL; marked when it has been waited for */
	MARK_OFF, /* ioctls: they do not wait until it is dark */
	MARK_HALT,
	MARK_STOP, /* its holder gets SIGSTOP */
	MARK_UNBIND,
	MARK_RMMOD,
	MARK_SUSPEND,
	MARK_RESET,
	MARK_SHUTDOWN, /* of the guest, with its holder alive: the board's connection ends after it */
	MARK_FREEZE, /* the whole guest stands still */
	MARK_INTERLOCK,
	MARK_KEY,
	MARK_CABLE, /* the board lives on, but nobody reaches it */
	MARK_LOST, /* the board is gone, and its log ends */
	MARK_SWEEP, /* no end of light: what lies between its marks is one sweep */
	MARK_KINDS,
};

static const char *const mark_names[MARK_KINDS] = {
	[MARK_CLOSE] = "close",	      [MARK_KILL] = "kill",	  [MARK_OFF] = "off",
	[MARK_HALT] = "halt",	      [MARK_STOP] = "stop",	  [MARK_UNBIND] = "unbind",
	[MARK_RMMOD] = "rmmod",	      [MARK_SUSPEND] = "suspend", [MARK_RESET] = "reset",
	[MARK_SHUTDOWN] = "shutdown", [MARK_FREEZE] = "freeze",	  [MARK_INTERLOCK] = "interlock",
	[MARK_KEY] = "key",	      [MARK_CABLE] = "cable",	  [MARK_LOST] = "lost",
	[MARK_SWEEP] = "sweep",
};

enum mark_phase {
	MARK_CAUSE = 1, /* about to happen */
	MARK_AFTER = 2, /* the call has returned, or its consequence was seen */
};

#define MARK_SIGN 0x5U /* in the highest bits: no register reads like that by itself */

static inline uint32_t mark_word(enum mark_kind kind, enum mark_phase phase, unsigned int trial)
{
	return MARK_SIGN << 28 | (uint32_t)phase << 24 | (uint32_t)kind << 16 | (trial & 0xffff);
}

static inline int mark_kind_of(const char *name)
{
	for (int i = 0; i < MARK_KINDS; i++)
		if (strcmp(mark_names[i], name) == 0)
			return i;
	return -1;
}

/* ---- guest/marks.c, in the guest alone ---- */

void marks_open(void);
void marks_close(void);
void mark(enum mark_kind kind, enum mark_phase phase, unsigned int trial);

#endif
