// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Setting up the kernel link for a test. See kernel_bench.h.
 */
#include "kernel_bench.h"

#include "fake_board.h"
#include "link/registers.h"
#include "link_steps.h"

#include <check.h> /* last: it defines a macro fail() */

void scripted_kernel_start(struct scripted_kernel *s, size_t ring_bytes)
{
	struct link *hardware;

	s->description = fake_board();
	s->transport = fake_transport_new(s->description);
	ck_assert_int_eq(registers_open(&s->transport->transport, &hardware, NULL), 0);
	s->kernel = fake_kernel_new(hardware, ring_bytes);
	ck_assert_int_eq(fake_kernel_open(s->kernel, &s->board, NULL), 0);
}

void scripted_kernel_stop(struct scripted_kernel *s)
{
	link_close(s->board);
	ck_assert_uint_eq(fake_kernel_open_fds(s->kernel), 0);
	fake_kernel_free(s->kernel);
	description_free(s->description);
}

static void open_board(struct emulated_kernel *e, size_t ring_bytes)
{
	e->kernel = fake_kernel_new(link_to_board(&e->session), ring_bytes);
	ck_assert_int_eq(fake_kernel_open(e->kernel, &e->board, NULL), 0);
}

static void close_board(struct emulated_kernel *e)
{
	link_close(e->board);
	fake_kernel_free(e->kernel);
}

void emulated_kernel_start(struct emulated_kernel *e, size_t ring_bytes)
{
	struct session_options options = {.speed_max = true, .emission_delay_ms = 5};

	session_start_board(&e->session, &options);
	open_board(e, ring_bytes);
}

void emulated_kernel_stop(struct emulated_kernel *e)
{
	close_board(e);
	session_stop(&e->session);
}

void emulated_kernel_restart(struct emulated_kernel *e, size_t ring_bytes)
{
	close_board(e);
	open_board(e, ring_bytes);
}
