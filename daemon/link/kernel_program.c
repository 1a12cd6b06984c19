// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Programs through the kernel link: lists and program are handed to the kernel, which checks
 * them against the limits of this fd before the board sees them.
 */
#include <errno.h>
#include <unistd.h>

#include "base/util.h"
#include "link/kernel_private.h"

#define REST_PATIENCE_NS NSEC_PER_SEC
#define REST_PAUSE_US 1000

static int upload(struct kernel *k, unsigned int kind, unsigned int list, const void *data,
		  size_t bytes, struct link_refusal *ret_refusal)
{
	struct etalon_upload u = {
		.size = sizeof(u),
		.data = (uintptr_t)data,
		.bytes = (uint32_t)bytes,
		.kind = (uint16_t)kind,
		.list = (uint16_t)list,
	};
	int r = kernel_control_ioctl(k, ETALON_IOC_UPLOAD, &u);

	kernel_refused(&u.refusal, ret_refusal);
	return r;
}

static int upload_lists(struct kernel *k, const struct link_list *lists, unsigned int list_count,
			struct link_refusal *ret_refusal)
{
	int r = 0;

	if (list_count > ETALON_HW_LISTS_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < list_count; i++)
		if (lists[i].points == 0 || lists[i].points > k->description->head.list_points_max)
			return -EINVAL;
	for (unsigned int i = 0; i < list_count && r == 0; i++)
		r = upload(k, ETALON_HW_UPLOAD_LIST, i, lists[i].values,
			   lists[i].points * sizeof(int64_t), ret_refusal);
	return r;
}

/*
 * What a board still holds of an earlier program follows as soon as the ring has room for it, and until
 * then there is no LOAD of another stride.
 */
static int load_after_the_rest(struct kernel *k, struct etalon_load *l)
{
	const uint64_t deadline_ns = now_ns() + REST_PATIENCE_NS;
	int r;

	for (;;) {
		r = kernel_records_drop(k);
		if (r == 0)
			r = kernel_control_ioctl(k, ETALON_IOC_LOAD, l);
		if (r != -EBUSY || kernel_runs_program(k) || now_ns() >= deadline_ns)
			return r;
		usleep(REST_PAUSE_US);
		*l = (struct etalon_load){.size = sizeof(*l)};
	}
}

static int load_uploaded(struct kernel *k, const struct etalon_hw_program *program,
			 struct link_program *ret, struct link_refusal *ret_refusal)
{
	struct etalon_load loaded = {.size = sizeof(loaded)};
	int r = load_after_the_rest(k, &loaded);

	kernel_refused(&loaded.refusal, ret_refusal);
	if (r < 0)
		return r;
	if (loaded.stride != record_stride(program->detector_count) ||
	    loaded.crc != crc32c(0, program, sizeof(*program)))
		return -EPROTO; /* it loaded something else than it was given */
	r = kernel_records_begin(k, loaded.stride, program->generation);
	if (r < 0)
		return r;
	*ret = (struct link_program){
		.duration_ns = loaded.duration_ns,
		.duration_is_bound = loaded.duration_is_bound != 0,
		.points = loaded.points,
		.stride = loaded.stride,
		.crc = loaded.crc,
	};
	return 0;
}

int kernel_load(struct link *link, const struct etalon_hw_program *program,
		const struct link_list *lists, unsigned int list_count, struct link_program *ret,
		struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);
	int r;

	if (ret_refusal)
		*ret_refusal = (struct link_refusal){.result = ETALON_HW_RESULT_OK};
	if (program->detector_count > ETALON_HW_PROGRAM_DETECTORS_MAX)
		return -EINVAL;
	r = kernel_settle_limits(k, kernel_control_ioctl, ret_refusal);
	if (r == 0)
		r = upload_lists(k, lists, list_count, ret_refusal);
	if (r == 0)
		r = upload(k, ETALON_HW_UPLOAD_PROGRAM, 0, program, sizeof(*program), ret_refusal);
	return r < 0 ? r : load_uploaded(k, program, ret, ret_refusal);
}

int kernel_start(struct link *link, struct link_refusal *ret_refusal)
{
	struct etalon_command c = {.size = sizeof(c)};
	int r = kernel_control_ioctl(kernel_of(link), ETALON_IOC_START, &c);

	kernel_refused(&c.refusal, ret_refusal);
	return r;
}

int kernel_stop(struct link *link)
{
	return kernel_control_ioctl(kernel_of(link), ETALON_IOC_STOP, NULL);
}
