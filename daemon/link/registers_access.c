// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Register accesses of the register driver: turns, transfers, and what RESULT said. Knows
 * how to ask, not what for.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "link/registers_private.h"

int turn_init(struct turn *t)
{
	int r = pthread_mutex_init(&t->mutex, NULL);

	if (r != 0)
		return -r;
	r = pthread_cond_init(&t->changed, NULL);
	if (r != 0)
		pthread_mutex_destroy(&t->mutex);
	return -r;
}

void turn_destroy(struct turn *t)
{
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->mutex);
}

void turn_take(struct turn *t, enum urgency urgency)
{
	pthread_mutex_lock(&t->mutex);
	if (urgency == URGENT)
		t->urgent++;
	while (t->taken || (urgency != URGENT && t->urgent > 0))
		pthread_cond_wait(&t->changed, &t->mutex);
	if (urgency == URGENT)
		t->urgent--;
	t->taken = true;
	pthread_mutex_unlock(&t->mutex);
}

void turn_give(struct turn *t)
{
	pthread_mutex_lock(&t->mutex);
	t->taken = false;
	t->given++;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->mutex);
}

static int read_now(struct registers *r, uint32_t address, void *data, size_t size)
{
	return r->transport->ops->control_in(r->transport, ETALON_HW_USB_REQUEST_REGISTERS, address,
					     data, size);
}

static int write_now(struct registers *r, uint32_t address, const void *data, size_t size)
{
	return r->transport->ops->control_out(r->transport, ETALON_HW_USB_REQUEST_REGISTERS,
					      address, data, size);
}

int registers_read(struct registers *r, uint32_t address, void *data, size_t size)
{
	int error;

	turn_take(&r->turn, ORDINARY);
	error = read_now(r, address, data, size);
	turn_give(&r->turn);
	return error;
}

int registers_write(struct registers *r, uint32_t address, const void *data, size_t size,
		    enum urgency urgency)
{
	int error;

	turn_take(&r->turn, urgency);
	error = write_now(r, address, data, size);
	turn_give(&r->turn);
	return error;
}

/* RESULT, DETAIL, a hole, LOW, HIGH: one burst. */
static int read_result(struct registers *r, struct link_refusal *ret_refusal)
{
	struct {
		uint32_t result, detail, hole;
		uint32_t low[2], high[2];
	} burst;
	int error = read_now(r, ETALON_REG_RESULT, &burst, sizeof(burst));

	if (error < 0)
		return error;
	if (ret_refusal) {
		ret_refusal->result = burst.result;
		ret_refusal->detail = burst.detail;
		memcpy(&ret_refusal->low, burst.low, sizeof(burst.low));
		memcpy(&ret_refusal->high, burst.high, sizeof(burst.high));
	}
	if (burst.result > ETALON_HW_REFUSED_DMA)
		return -EPROTO; /* no board says that */
	return etalon_hw_result_errno(burst.result);
}

static void nothing_refused(struct link_refusal *refusal)
{
	if (refusal)
		*refusal = (struct link_refusal){.result = ETALON_HW_RESULT_OK};
}

int registers_try(struct registers *r, uint32_t address, const void *data, size_t size,
		  struct link_refusal *ret_refusal)
{
	int error;

	nothing_refused(ret_refusal);
	turn_take(&r->turn, ORDINARY);
	error = write_now(r, address, data, size);
	if (error == 0)
		error = read_result(r, ret_refusal);
	turn_give(&r->turn);
	return error;
}

int registers_command(struct registers *r, uint32_t command, struct link_refusal *ret_refusal)
{
	return registers_try(r, ETALON_REG_COMMAND, &command, sizeof(command), ret_refusal);
}

int registers_upload(struct registers *r, unsigned int kind, unsigned int list, const void *data,
		     size_t size, struct link_refusal *ret_refusal)
{
	struct etalon_hw_upload header = {
		.magic = ETALON_HW_UPLOAD_MAGIC,
		.kind = (uint16_t)kind,
		.list = (uint16_t)list,
		.size = (uint32_t)size,
		.crc = crc32c(0, data, size),
	};
	int error;

	nothing_refused(ret_refusal);
	turn_take(&r->turn, ORDINARY);
	error = r->transport->ops->bulk_out(r->transport, &header, data);
	if (error == 0)
		error = read_result(r, ret_refusal);
	turn_give(&r->turn);
	return error;
}
