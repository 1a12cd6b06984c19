// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control fd: who holds it, limits, sources, detectors, emission. Programs are in program.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev.h"

/* ---- who holds it ---- */

static int standing(const struct etalon_control *control)
{
	const struct etalon_board *board = control->file.board;

	if (board->presence == ETALON_GONE)
		return -ENODEV;
	return board->control == control ? 0 : -ESTALE;
}

int etalon_control_enter(struct etalon_control *control)
{
	struct etalon_board *board = control->file.board;
	int ret;

	mutex_lock(&board->lock);
	ret = standing(control);
	if (!ret)
		ret = etalon_board_present(board);
	if (ret)
		mutex_unlock(&board->lock);
	return ret;
}

int etalon_control_leave(struct etalon_control *control, int ret)
{
	struct etalon_board *board = control->file.board;

	ret = etalon_board_result(board, ret);
	mutex_unlock(&board->lock);
	return ret;
}

/* ---- limits ---- */

static struct etalon_span hard_limits(const struct etalon_board *board, u32 source)
{
	const struct etalon_hw_source *s = &board->description.source[source];

	return (struct etalon_span){.low = s->min, .high = s->max};
}

/*
 * The board keeps the limits of an earlier holder; this one (NULL: none) has its own, and where it
 * has written none the hard ones. They can be written in OFF only: where the board is not, CLEAR
 * comes first, and after it we come here again.
 */
static int settle_limits(struct etalon_board *board, const struct etalon_control *holder)
{
	struct etalon_refusal refusal;
	unsigned int n;
	int ret;

	if (board->safety.state != ETALON_HW_STATE_OFF)
		return 0;
	for_each_set_bit(n, board->limits_narrowed, ETALON_HW_SOURCES_MAX) {
		const bool own = holder && test_bit(n, holder->limits_written);
		const struct etalon_span limits = own ? holder->limits[n] : hard_limits(board, n);

		ret = board->ops->set_limits(board, n, &limits, &refusal);
		if (ret)
			return ret;
		if (!own)
			clear_bit(n, board->limits_narrowed);
	}
	return 0;
}

int etalon_control_settle_limits(struct etalon_board *board)
{
	return etalon_board_result(board, settle_limits(board, board->control));
}

static bool source_exists(const struct etalon_board *board, u32 source,
			  struct etalon_refusal *refusal, int *ret_error)
{
	const u32 count = board->description.head->source_count;

	if (source < count)
		return true;
	*ret_error = etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, source, 0, (s64)count - 1);
	return false;
}

static int call_set_limits(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_limits *limits = argument;
	const u32 n = limits->source;
	const struct etalon_span wanted = {limits->low, limits->high};
	struct etalon_span hard;
	int ret;

	if (limits->reserved)
		return -EINVAL;
	if (!source_exists(board, n, refusal, &ret))
		return ret;
	hard = hard_limits(board, n);
	if (wanted.low > wanted.high || wanted.low < hard.low || wanted.high > hard.high)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_LIMIT, n, hard.low, hard.high);
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = board->ops->set_limits(board, n, &wanted, refusal);
	if (!ret) {
		control->limits[n] = wanted;
		set_bit(n, control->limits_written);
	}
	if (ret != -EBUSY) /* also a pair that is half written */
		set_bit(n, board->limits_narrowed);
	return etalon_control_leave(control, ret);
}

/* ---- sources and detectors ---- */

static int call_set_source(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_value *v = argument;
	const u32 n = v->channel;
	int ret;

	if (!source_exists(board, n, refusal, &ret))
		return ret;
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = etalon_setpoint_check(&board->description.source[n], n, &control->limits[n], v->value,
				    refusal);
	if (!ret)
		ret = board->ops->set_source(board, n, v->value, refusal);
	return etalon_control_leave(control, ret);
}

static int call_get_source(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	struct etalon_value *v = argument;
	struct etalon_source_now now;
	int ret;

	if (!source_exists(board, v->channel, refusal, &ret))
		return ret;
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = board->ops->get_source(board, v->channel, &now);
	if (!ret) {
		v->value = now.setpoint;
		v->actual = now.actual;
		v->status = now.status;
	}
	return etalon_control_leave(control, ret);
}

static int call_set_compliance(struct etalon_file *file, void *argument,
			       struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_value *v = argument;
	const struct etalon_hw_source *s;
	int ret;

	if (!source_exists(board, v->channel, refusal, &ret))
		return ret;
	s = &board->description.source[v->channel];
	if (v->value < s->compliance_min || v->value > s->compliance_max)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_LIMIT, v->channel,
				     s->compliance_min, s->compliance_max);
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = board->ops->set_compliance(board, v->channel, v->value, refusal);
	return etalon_control_leave(control, ret);
}

static int call_set_range(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_value *v = argument;
	const u32 n = v->channel, count = board->description.head->detector_count;
	u32 ranges;
	int ret;

	if (n >= count)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, n, 0, (s64)count - 1);
	ranges = board->description.detector[n].range_count;
	if (v->value < 0 || v->value >= ranges)
		return etalon_refuse(refusal, ETALON_HW_REFUSED_CHANNEL, n, 0, (s64)ranges - 1);
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = board->ops->set_range(board, n, (u32)v->value, refusal);
	return etalon_control_leave(control, ret);
}

static int set_live_aperture(struct etalon_control *control, u32 aperture_ns,
			     struct etalon_refusal *refusal)
{
	struct etalon_board *board = control->file.board;
	int ret = etalon_control_enter(control);

	if (ret)
		return ret;
	ret = board->ops->set_live_aperture(board, aperture_ns, refusal);
	board->live_valid = false;
	return etalon_control_leave(control, ret);
}

static int call_live(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_live *l = argument;
	struct etalon_hw_live *readings;
	int ret;

	if (l->capacity > board->description.head->detector_count)
		return -EINVAL;
	if (l->aperture_ns)
		return set_live_aperture(control, l->aperture_ns, refusal);
	if (!l->capacity)
		return -EINVAL;
	readings = kcalloc(l->capacity, sizeof(*readings), GFP_KERNEL);
	if (!readings)
		return -ENOMEM;
	ret = etalon_control_enter(control);
	if (!ret) {
		ret = board->ops->live(board, 0, l->capacity, readings);
		ret = etalon_control_leave(control, ret);
	}
	if (!ret &&
	    copy_to_user(u64_to_user_ptr(l->buffer), readings, l->capacity * sizeof(*readings)))
		ret = -EFAULT;
	kfree(readings);
	return ret;
}

/* ---- emission ---- */

/* Limits of an earlier holder do not count, whatever the board has kept. */
static int check_limits_written(const struct etalon_control *control,
				struct etalon_refusal *refusal)
{
	const struct etalon_description_view *d = &control->file.board->description;
	u32 n;

	for (n = 0; n < d->head->source_count; n++)
		if (d->source[n].emits && !test_bit(n, control->limits_written))
			return etalon_refuse(refusal, ETALON_HW_REFUSED_LIMITS_UNWRITTEN, n, 0, 0);
	return 0;
}

static int call_arm(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	const struct etalon_command *c = argument;
	int ret = etalon_control_enter(control);

	if (ret)
		return ret;
	ret = check_limits_written(control, refusal);
	if (!ret)
		ret = etalon_emission_arm(file->board, c->period_ns, refusal);
	return etalon_control_leave(control, ret);
}

static int command(struct etalon_file *file, void *argument, u32 number,
		   struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	const struct etalon_command *c = argument;
	int ret;

	if (c->period_ns)
		return -EINVAL;
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = board->ops->command(board, number, refusal);
	if (!ret)
		ret = etalon_board_read_safety(board);
	if (!ret && number == ETALON_HW_COMMAND_CLEAR)
		ret = settle_limits(board, control);
	return etalon_control_leave(control, ret);
}

static int call_emit(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	return command(file, argument, ETALON_HW_COMMAND_EMIT, refusal);
}

static int call_clear(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	return command(file, argument, ETALON_HW_COMMAND_CLEAR, refusal);
}

static int call_kick(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	int ret = etalon_control_enter(control);

	if (ret)
		return ret;
	return etalon_control_leave(control, etalon_emission_kick(file->board));
}

static int go_dark(struct etalon_file *file, u32 number)
{
	struct etalon_control *control = etalon_control_of(file);
	int ret;

	etalon_emission_cause(file->board, ETALON_CAUSE_REQUEST);
	ret = etalon_control_enter(control);
	if (ret)
		return ret;
	ret = etalon_emission_off(file->board, number, ETALON_CAUSE_REQUEST);
	return etalon_control_leave(control, ret);
}

static int call_off(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	return go_dark(file, ETALON_HW_COMMAND_OFF);
}

static int call_halt(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	return go_dark(file, ETALON_HW_COMMAND_HALT);
}

static int call_stop(struct etalon_file *file, void *argument, struct etalon_refusal *refusal)
{
	struct etalon_control *control = etalon_control_of(file);
	struct etalon_board *board = file->board;
	int ret = etalon_control_enter(control);

	if (ret)
		return ret;
	ret = board->ops->command(board, ETALON_HW_COMMAND_STOP, refusal);
	return etalon_control_leave(control, ret);
}

/* ---- the file ---- */

static const struct etalon_call control_calls[] = {
	ETALON_CALL_PLAIN(ETALON_IOC_KICK, call_kick),
	ETALON_CALL_PLAIN(ETALON_IOC_OFF, call_off),
	ETALON_CALL_PLAIN(ETALON_IOC_HALT, call_halt),
	ETALON_CALL_PLAIN(ETALON_IOC_STOP, call_stop),
	ETALON_CALL(ETALON_IOC_ARM, etalon_command, call_arm),
	ETALON_CALL(ETALON_IOC_EMIT, etalon_command, call_emit),
	ETALON_CALL(ETALON_IOC_CLEAR, etalon_command, call_clear),
	ETALON_CALL(ETALON_IOC_SET_LIMITS, etalon_limits, call_set_limits),
	ETALON_CALL(ETALON_IOC_SET_SOURCE, etalon_value, call_set_source),
	ETALON_CALL(ETALON_IOC_GET_SOURCE, etalon_value, call_get_source),
	ETALON_CALL(ETALON_IOC_SET_COMPLIANCE, etalon_value, call_set_compliance),
	ETALON_CALL(ETALON_IOC_SET_RANGE, etalon_value, call_set_range),
	ETALON_CALL(ETALON_IOC_LIVE, etalon_live, call_live),
	ETALON_CALL(ETALON_IOC_UPLOAD, etalon_upload, etalon_program_upload),
	ETALON_CALL(ETALON_IOC_LOAD, etalon_load, etalon_program_load),
	ETALON_CALL(ETALON_IOC_START, etalon_command, etalon_program_start),
};

static long control_ioctl(struct file *filp, unsigned int number, unsigned long argument)
{
	struct etalon_control *control = filp->private_data;
	struct etalon_file *file = &control->file;
	void __user *user = (void __user *)argument;
	long ret;

	mutex_lock(&file->board->lock);
	ret = standing(control);
	mutex_unlock(&file->board->lock);
	if (ret)
		return ret;
	ret = etalon_calls_run(file, control_calls, ARRAY_SIZE(control_calls), number, user);
	return ret == -ENOTTY ? etalon_calls_common(file, number, user) : ret;
}

static __poll_t control_poll(struct file *filp, poll_table *wait)
{
	struct etalon_control *control = filp->private_data;
	struct etalon_board *board = control->file.board;

	poll_wait(filp, &board->wait, wait);
	if (READ_ONCE(board->presence) == ETALON_GONE || READ_ONCE(board->control) != control)
		return EPOLLHUP | EPOLLERR;
	return etalon_file_saw_all(&control->file) ? 0 : EPOLLPRI;
}

static int control_release(struct inode *inode, struct file *filp)
{
	struct etalon_control *control = filp->private_data;
	struct etalon_board *board = control->file.board;

	etalon_emission_cause(board, ETALON_CAUSE_CLOSE);
	mutex_lock(&board->lock);
	if (board->control == control) {
		if (board->presence == ETALON_PRESENT)
			etalon_emission_off(board, ETALON_HW_COMMAND_HALT, ETALON_CAUSE_CLOSE);
		if (board->presence == ETALON_PRESENT)
			etalon_board_result(board, settle_limits(board, NULL));
		etalon_emission_revoke(board);
	}
	mutex_unlock(&board->lock);
	etalon_emission_await_dark(board);
	etalon_program_free(control);
	kvfree(control);
	put_device(&board->dev);
	return 0;
}

const struct file_operations etalon_control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = control_poll,
	.release = control_release,
};

static int take_control(struct etalon_board *board, struct etalon_control *control)
{
	bool was_quiet;
	int ret = 0;

	mutex_lock(&board->lock);
	was_quiet = board->distrusted;
	if (board->presence == ETALON_GONE)
		ret = -ENODEV;
	else if (board->control)
		ret = -EBUSY;
	else if (board->presence == ETALON_PRESENT)
		ret = etalon_board_trust(board)
			      ?: etalon_board_result(board, settle_limits(board, NULL));
	if (!ret)
		board->control = control;
	mutex_unlock(&board->lock);
	if (was_quiet) /* no message told of edges meanwhile */
		etalon_gpio_edges(board);
	return ret;
}

struct etalon_control *etalon_control_open(struct etalon_board *board, int *ret_error)
{
	struct etalon_control *control = kvzalloc(sizeof(*control), GFP_KERNEL);
	u32 n;

	*ret_error = -ENOMEM;
	if (!control)
		return NULL;
	control->file.board = board;
	control->file.events_seen = -1; /* the first poll() tells to look */
	for (n = 0; n < board->description.head->source_count; n++)
		control->limits[n] = hard_limits(board, n);
	*ret_error = take_control(board, control);
	if (!*ret_error)
		return control;
	kvfree(control);
	return NULL;
}
