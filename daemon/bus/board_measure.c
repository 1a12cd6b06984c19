// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Methods of org.etalon1.Board that measure, or say how it would be done: Plan, PlanSetpoints,
 * Measure. Plans are made on a worker.
 */
#include "bus/board.h"

#include "base/util.h"
#include "bus/variant.h"
#include "calibrate/trust.h"
#include "data/frame.h"
#include "etalond/audit.h"
#include "etalond/reference_choice.h"

struct planning {
	struct pending pending;
	struct task task;
	struct facts *facts;
	json_t *request;
	bool warm; /* light needs no delay when this is asked */
	struct plan *plan;
	int frame_fd;
};

static struct planning *planning_of(struct task *task)
{
	return container_of(task, struct planning, task);
}

static void planning_clear(struct planning *p)
{
	p->facts = facts_unref(p->facts);
	json_decref(p->request);
	p->plan = plan_free(p->plan);
	closep(&p->frame_fd);
	free(take_ptr(p->task.message));
}

/* ---- on a worker ---- */

static int run_plan(struct task *task, struct store *store)
{
	struct planning *p = planning_of(task);
	const json_t *expectations = json_object_get(p->request, "expectations");
	int r = 0;

	if (expectations)
		r = trust_check_expectations(expectations, &task->message);
	if (r == 0)
		r = plan_make(p->facts->description, &p->facts->site, p->request, &p->plan,
			      &task->message);
	if (r < 0)
		return r == -ENOENT ? -ECHRNG : r;
	if (p->warm)
		r = plan_tell_light(p->plan, 0);
	return r < 0 ? r : reference_foretell(store, p->plan, &task->message);
}

static const struct segment *main_segment(const struct plan *plan)
{
	for (size_t i = 0; i < plan->segment_count; i++)
		if (plan->segments[i].purpose == SEGMENT_MAIN)
			return &plan->segments[i];
	return plan->segment_count > 0 ? &plan->segments[0] : NULL;
}

/* "point" and each gang member of each axis, outermost first. */
static size_t name_columns(const struct description *d, const struct segment *s,
			   struct table_column *columns)
{
	size_t n = 1;

	columns[0] = (struct table_column){.name = "point", .type = COLUMN_F64};
	for (unsigned int a = 0; a < s->program.axis_count; a++)
		for (unsigned int g = 0; g < s->program.axis[a].gang_count; g++) {
			const struct etalon_hw_source *source =
				&d->source[s->program.axis[a].gang[g].source];

			columns[n] = (struct table_column){.type = COLUMN_F64};
			snprintf(columns[n].name, sizeof(columns[n].name), "%s", source->name);
			snprintf(columns[n].unit, sizeof(columns[n].unit), "%s",
				 source_unit(source->kind));
			n++;
		}
	return n;
}

static int fill_columns(const struct segment *s, struct table_column *columns)
{
	for (uint64_t point = 0; point < s->points; point++) {
		size_t n = 1;

		columns[0].f64[point] = (double)point;
		for (unsigned int a = 0; a < s->program.axis_count; a++)
			for (unsigned int g = 0; g < s->program.axis[a].gang_count; g++, n++) {
				int64_t value;
				int r = plan_setpoint_at(s, point, a, g, &value);

				if (r < 0)
					return r;
				columns[n].f64[point] = (double)value;
			}
	}
	return 0;
}

static int run_setpoints(struct task *task, struct store *store)
{
	struct planning *p = planning_of(task);
	struct table_column columns[1 + ETALON_HW_AXES_MAX * ETALON_HW_GANG_MAX];
	struct frame_builder builder;
	const struct segment *s;
	size_t count;
	int r = run_plan(task, store);

	if (r < 0)
		return r;
	s = main_segment(p->plan);
	if (!s)
		return -ENODATA;
	count = name_columns(p->facts->description, s, columns);
	if (s->points > FRAME_MAX_BYTES / (count * sizeof(double)))
		return fail(&task->message, -ERANGE,
			    "%llu points of %zu columns are more than the 64 MiB of one frame; "
			    "Plan gives the first setpoints of each axis",
			    (unsigned long long)s->points, count);
	r = frame_begin(&builder, columns, count, s->points, 0, 1, NULL);
	if (r < 0)
		return r;
	r = fill_columns(s, columns);
	if (r < 0) {
		frame_abandon(&builder);
		return r;
	}
	p->frame_fd = frame_finish(&builder);
	return p->frame_fd < 0 ? p->frame_fd : 0;
}

/* ---- answers ---- */

static int append_strings(sd_bus_message *m, const char *key, const json_t *array)
{
	size_t i;
	json_t *item;
	int r = sd_bus_message_open_container(m, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "s");
	json_array_foreach(array, i, item) {
		const char *text = json_string_value(item);

		if (r >= 0 && text)
			r = sd_bus_message_append(m, "s", text);
	}
	for (int n = 0; n < 3 && r >= 0; n++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_segment(sd_bus_message *m, const struct segment *s)
{
	static const char *const purposes[] = {"", "dark-before", "main", "dark-after"};
	int r = sd_bus_message_open_container(m, 'a', "{sv}");

	if (r >= 0)
		r = sd_bus_message_append(
			m, "{sv}{sv}{sv}{sv}{sv}", "purpose", "s",
			(size_t)s->purpose < ARRAY_SIZE(purposes) ? purposes[s->purpose] : "",
			"points", "t", s->points, "duration_ns", "t", s->duration_ns, "period_ns",
			"t", (uint64_t)s->program.period_ns, "aperture_ns", "t",
			(uint64_t)s->program.aperture_ns);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_segments(sd_bus_message *m, const struct plan *plan)
{
	int r = sd_bus_message_open_container(m, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", "segments");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "aa{sv}");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (size_t i = 0; i < plan->segment_count && r >= 0; i++)
		r = append_segment(m, &plan->segments[i]);
	for (int n = 0; n < 3 && r >= 0; n++)
		r = sd_bus_message_close_container(m);
	return r;
}

#define SETPOINTS_SHOWN 10U

static int64_t axis_value(const struct segment *s, const struct etalon_hw_axis *axis,
			  const struct etalon_hw_gang *gang, uint32_t i)
{
	if (axis->shape == ETALON_HW_AXIS_LIST)
		return gang->list < s->list_count && i < s->lists[gang->list].points
			       ? s->lists[gang->list].values[i]
			       : 0;
	return etalon_hw_setpoint(gang->start, gang->stop, axis->points, i);
}

static int append_values(sd_bus_message *m, const char *key, const struct segment *s,
			 const struct etalon_hw_axis *axis, const struct etalon_hw_gang *gang,
			 uint32_t first)
{
	int64_t values[SETPOINTS_SHOWN];
	size_t n = 0;
	int r = sd_bus_message_open_container(m, 'e', "sv");

	while (n < SETPOINTS_SHOWN && first < axis->points)
		values[n++] = axis_value(s, axis, gang, first++);
	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "ax");
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'x', values, n * sizeof(values[0]));
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_gang(sd_bus_message *m, const struct description *d, const struct segment *s,
		       unsigned int axis_number, const struct etalon_hw_gang *gang)
{
	const struct etalon_hw_axis *axis = &s->program.axis[axis_number];
	const struct etalon_hw_source *source = &d->source[gang->source];
	int r = sd_bus_message_open_container(m, 'a', "{sv}");

	if (r >= 0)
		r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "axis", "u", axis_number, "source",
					  "s", source->name, "unit", "s", source_unit(source->kind),
					  "points", "u", axis->points);
	if (r >= 0)
		r = append_values(m, "first", s, axis, gang, 0);
	if (r >= 0)
		r = append_values(m, "last", s, axis, gang,
				  axis->points - MIN(axis->points, SETPOINTS_SHOWN));
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_setpoints(sd_bus_message *m, const struct description *d, const struct segment *s)
{
	int r = sd_bus_message_open_container(m, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", "setpoints");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "aa{sv}");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (unsigned int a = 0; s && a < s->program.axis_count; a++)
		for (unsigned int g = 0; g < s->program.axis[a].gang_count && r >= 0; g++)
			r = append_gang(m, d, s, a, &s->program.axis[a].gang[g]);
	for (int n = 0; n < 3 && r >= 0; n++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_plan(sd_bus_message *m, const struct description *d, const struct plan *plan)
{
	uint64_t light_ns = 0;
	int r;

	for (size_t i = 0; i < plan->segment_count; i++)
		if (plan->segments[i].program.flags & ETALON_HW_PROGRAM_NEEDS_EMISSION)
			light_ns += plan->segments[i].duration_ns;
	r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_append(
			m, "{sv}{sv}{sv}{sv}", "duration_ns", "t", plan->duration_ns, "light_ns",
			"t", light_ns, "points", "t", plan->points, "power_fw", "x",
			(int64_t)json_integer_value(json_object_get(plan->request, "power_fw")));
	if (r >= 0)
		r = append_strings(m, "lines", json_object_get(plan->summary, "lines"));
	if (r >= 0)
		r = append_strings(m, "warnings", json_object_get(plan->summary, "warnings"));
	if (r >= 0)
		r = append_segments(m, plan);
	if (r >= 0)
		r = append_setpoints(m, d, main_segment(plan));
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static void plan_done(struct task *task)
{
	struct planning *p = planning_of(task);
	sd_bus_message *reply = NULL;
	int r = task->error;

	if (r < 0) {
		_cleanup_free_ char *message = take_ptr(task->message);

		planning_clear(p);
		pending_error(p, r, message, BUS_NO_SUCH_RUN);
		return;
	}
	reply = pending_reply(p);
	r = reply ? append_plan(reply, p->facts->description, p->plan) : -ENOMEM;
	planning_clear(p);
	pending_send(p, reply, r);
}

static void setpoints_done(struct task *task)
{
	struct planning *p = planning_of(task);
	sd_bus_message *reply = NULL;
	int r = task->error;

	if (r < 0) {
		_cleanup_free_ char *message = take_ptr(task->message);

		planning_clear(p);
		pending_error(p, r, message, BUS_NO_SUCH_RUN);
		return;
	}
	reply = pending_reply(p);
	r = reply ? sd_bus_message_append(reply, "h", p->frame_fd) : -ENOMEM;
	planning_clear(p);
	pending_send(p, reply, r);
}

/* ---- methods ---- */

static int act_planning(struct bus *bus, sd_bus_message *m, const struct actor *actor,
			int (*run)(struct task *, struct store *), void (*done)(struct task *),
			sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	_cleanup_free_ char *message = NULL;
	struct planning *p;
	int r;

	if (!board)
		return -ENOENT;
	r = PENDING(bus, m, &p);
	if (r < 0)
		return r;
	p->frame_fd = -1;
	p->facts = facts_ref(board->facts);
	p->warm = board->status.state == ETALON_HW_STATE_EMITTING;
	p->task.uid = actor->uid;
	p->task.run = run;
	p->task.done = done;
	r = variant_read_dict(m, &p->request, &message);
	if (r == 0)
		r = workers_submit(bus->context->workers, &p->task, &message);
	if (r == 0)
		return 1;
	planning_clear(p);
	pending_free(p);
	return bus_error_set(error, r, message, NULL);
}

static int act_plan(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		    sd_bus_error *error)
{
	return act_planning(bus, m, actor, run_plan, plan_done, error);
}

static int act_plan_setpoints(struct bus *bus, sd_bus_message *m, const struct actor *actor,
			      sd_bus_error *error)
{
	return act_planning(bus, m, actor, run_setpoints, setpoints_done, error);
}

int board_method_plan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of(((struct board *)userdata)->context), m, act_plan, error);
}

int board_method_plan_setpoints(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of(((struct board *)userdata)->context), m, act_plan_setpoints,
			   error);
}

/* A job's light ends with whoever started it, also under another's lease. */
static void answer_for_job(struct bus *bus, struct job *job)
{
	if (!job->plan->needs_emission)
		return;
	board_gate_opened_by(job->board, NULL);
	if (bus_watch_name(bus, job->owner, job->board) < 0)
		job_cancel(job, -ENOMEM, "its client cannot be watched");
}

static void started(struct job *job, int error, const char *message, void *userdata)
{
	struct pending *p = userdata;

	if (!job) {
		pending_error(p, error, message, BUS_NO_SUCH_RUN);
		return;
	}
	sd_bus_reply_method_return(p->call, "o", bus_job_path(job).text);
	answer_for_job(p->bus, job);
	pending_free(p);
}

static int act_measure(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		       sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	_cleanup_free_ char *message = NULL;
	json_t *request = NULL;
	struct pending *p;
	int r;

	if (!board)
		return -ENOENT;
	r = PENDING(bus, m, &p);
	if (r < 0)
		return r;
	r = variant_read_dict(m, &request, &message);
	if (r == 0)
		r = job_start(board, actor, request, started, p, &message);
	json_decref(request);
	if (r < 0) {
		pending_free(p);
		return bus_error_set(error, r, message, NULL);
	}
	audit(actor, "Measure", board, "%s", "");
	return 1;
}

int board_method_measure(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of(((struct board *)userdata)->context), m, act_measure, error);
}
