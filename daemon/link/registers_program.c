// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Programs through the register driver: upload, load, start, stop. Each costs a constant
 * number of transfers but for one for each list.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "link/registers_private.h"

static int upload_lists(struct registers *r, const struct link_list *lists, unsigned int list_count,
			struct link_refusal *ret_refusal)
{
	int error;

	if (list_count > ETALON_HW_LISTS_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < list_count; i++) {
		if (lists[i].points == 0 || lists[i].points > r->description->head.list_points_max)
			return -EINVAL;
		error = registers_upload(r, ETALON_HW_UPLOAD_LIST, i, lists[i].values,
					 lists[i].points * sizeof(int64_t), ret_refusal);
		if (error < 0)
			return error;
	}
	return 0;
}

/* What the board says of the program it just loaded. */
static int read_loaded(struct registers *r, struct link_program *ret, uint64_t *ret_produced)
{
	struct { /* from SEQUENCER to PRODUCED, as hw.h lays them out */
		uint32_t sequencer, crc;
		uint32_t duration[2], points[2];
		uint32_t stride;
	} burst;
	uint32_t status_bits;
	uint64_t produced;
	int error;

	error = registers_read(r, ETALON_REG_SEQUENCER, &burst, sizeof(burst));
	if (error < 0)
		return error;
	error = registers_read(r, ETALON_REG_STATUS_BITS, &status_bits, sizeof(status_bits));
	if (error < 0)
		return error;
	error = registers_read(r, ETALON_REG_PRODUCED, &produced, sizeof(produced));
	if (error < 0)
		return error;
	memcpy(&ret->duration_ns, burst.duration, sizeof(burst.duration));
	memcpy(&ret->points, burst.points, sizeof(burst.points));
	ret->crc = burst.crc;
	ret->stride = burst.stride;
	ret->duration_is_bound = status_bits & ETALON_HW_STATUS_DURATION_IS_BOUND;
	*ret_produced = produced;
	return burst.sequencer == ETALON_HW_SEQUENCER_READY ? 0 : -EPROTO;
}

int registers_load(struct link *link, const struct etalon_hw_program *program,
		   const struct link_list *lists, unsigned int list_count, struct link_program *ret,
		   struct link_refusal *ret_refusal)
{
	struct registers *r = registers_of(link);
	struct link_program loaded;
	uint64_t produced;
	int error;

	if (ret_refusal)
		*ret_refusal = (struct link_refusal){.result = ETALON_HW_RESULT_OK};
	if (program->detector_count > ETALON_HW_PROGRAM_DETECTORS_MAX)
		return -EINVAL;
	error = upload_lists(r, lists, list_count, ret_refusal);
	if (error < 0)
		return error;
	error = registers_upload(r, ETALON_HW_UPLOAD_PROGRAM, 0, program, sizeof(*program),
				 ret_refusal);
	if (error < 0)
		return error;
	error = registers_command(r, ETALON_HW_COMMAND_LOAD, ret_refusal);
	if (error < 0)
		return error;
	error = read_loaded(r, &loaded, &produced);
	if (error < 0)
		return error;
	if (loaded.stride != record_stride(program->detector_count) ||
	    loaded.crc != crc32c(0, program, sizeof(*program)))
		return -EPROTO; /* the board loaded something else than it was given */
	records_expect(r, loaded.stride, program->generation, produced);
	*ret = loaded;
	return 0;
}

int registers_start(struct link *link, struct link_refusal *ret_refusal)
{
	return registers_command(registers_of(link), ETALON_HW_COMMAND_START, ret_refusal);
}

int registers_stop(struct link *link)
{
	return registers_command(registers_of(link), ETALON_HW_COMMAND_STOP, NULL);
}
