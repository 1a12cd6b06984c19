// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The ioctls of the fake kernel: arguments are checked as kmod/uapi/etalon.h says, then the
 * hardware is asked.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fake_kernel_private.h"

static void tell(struct etalon_refusal *to, const struct link_refusal *said, int error)
{
	if (error == -EBUSY || error == -EACCES || error == -ERANGE || error == -EINVAL)
		*to = (struct etalon_refusal){said->result, said->detail, said->low, said->high};
}

static int do_info(struct device *d, struct etalon_info *i)
{
	if (i->size != sizeof(*i) || i->flags)
		return -EINVAL;
	i->link = ETALON_LINK_PCI;
	i->description_size = (uint32_t)d->hardware->description->raw_size;
	i->features = ETALON_FEATURE_MMAP;
	i->status_offset = STATUS_OFFSET;
	i->data_offset = DATA_OFFSET;
	i->data_bytes = d->data_bytes;
	i->record_rate_max = 100000;
	i->epoch = d->epoch;
	return 0;
}

static int do_description(struct device *d, const struct etalon_description *e)
{
	const struct description *have = d->hardware->description;

	if (e->size != sizeof(*e) || e->flags || e->reserved)
		return -EINVAL;
	if (e->capacity < have->raw_size)
		return -ENOSPC;
	memcpy((void *)(uintptr_t)e->buffer, have->raw, have->raw_size);
	return 0;
}

static int do_status(struct fake_kernel *f, struct file *file, struct etalon_status *s)
{
	struct device *d = file->device;
	uint64_t token;

	if (s->size != sizeof(*s) || s->flags)
		return -EINVAL;
	pthread_mutex_lock(&d->acting);
	fake_device_look(f, d);
	pthread_mutex_lock(&f->lock);
	*s = (struct etalon_status){
		.size = sizeof(*s),
		.state = d->status.state,
		.causes_live = d->status.causes_live,
		.causes_latched = d->status.causes_latched,
		.last_off_cause = d->status.last_off_cause,
		.sequencer = d->status.sequencer,
		.status_bits = d->status.status_bits,
		.last_off_tick = d->status.last_off_tick,
		.emission_ready_tick = d->status.emission_ready_tick,
		.records_lost = d->status.records_lost,
		.events = d->events,
	};
	if (!file->control && eventfd_read(file->fd, &token) == 0)
		file->events_seen = d->events;
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_unlock(&d->acting);
	return 0;
}

static int do_clock(struct device *d, struct etalon_clock *c)
{
	struct link_status s;
	int r;

	if (c->size != sizeof(*c) || c->flags)
		return -EINVAL;
	r = d->hardware->ops->status(d->hardware, &s);
	c->tick = s.tick;
	c->monotonic_ns = now_ns();
	return r;
}

static int do_limits(struct device *d, struct etalon_limits *l)
{
	struct link_refusal refusal = {0};
	int r;

	if (l->size != sizeof(*l) || l->flags || l->reserved)
		return -EINVAL;
	r = d->hardware->ops->set_limits(d->hardware, l->source, l->low, l->high, &refusal);
	tell(&l->refusal, &refusal, r);
	if (r == 0)
		d->limits_written[l->source] = true;
	return r;
}

static int get_source(struct device *d, struct etalon_value *v)
{
	int64_t setpoint = 0, actual = 0;
	int r = d->hardware->ops->get_source(d->hardware, v->channel, &setpoint, &actual);

	v->value = setpoint;
	v->actual = actual;
	return r;
}

static int do_value(struct device *d, unsigned long request, struct etalon_value *v)
{
	const struct link_ops *ops = d->hardware->ops;
	struct link_refusal refusal = {0};
	int r;

	if (v->size != sizeof(*v) || v->flags || v->status)
		return -EINVAL;
	if (request == ETALON_IOC_SET_SOURCE)
		r = ops->set_source(d->hardware, v->channel, v->value, &refusal);
	else if (request == ETALON_IOC_SET_COMPLIANCE)
		r = ops->set_compliance(d->hardware, v->channel, v->value, &refusal);
	else if (request == ETALON_IOC_SET_RANGE)
		r = ops->set_range(d->hardware, v->channel, (unsigned int)v->value, &refusal);
	else
		r = get_source(d, v);
	tell(&v->refusal, &refusal, r);
	return r;
}

static int do_live(struct device *d, const struct etalon_live *l)
{
	if (l->size != sizeof(*l) || l->flags)
		return -EINVAL;
	if (l->aperture_ns)
		return d->hardware->ops->set_live_aperture(d->hardware, l->aperture_ns);
	return d->hardware->ops->live(d->hardware, (void *)(uintptr_t)l->buffer, l->capacity);
}

static int do_upload(struct device *d, const struct etalon_upload *u)
{
	const void *data = (const void *)(uintptr_t)u->data;

	if (u->size != sizeof(*u) || u->flags)
		return -EINVAL;
	if (u->kind == ETALON_HW_UPLOAD_PROGRAM) {
		if (u->bytes != sizeof(d->program) || u->list)
			return -EINVAL;
		memcpy(&d->program, data, sizeof(d->program));
		d->have_program = true;
		return 0;
	}
	if (u->kind != ETALON_HW_UPLOAD_LIST || u->list >= ETALON_HW_LISTS_MAX || u->bytes % 8)
		return -EINVAL;
	free(d->list[u->list]);
	d->list[u->list] = malloc(u->bytes);
	memcpy(d->list[u->list], data, u->bytes);
	d->list_points[u->list] = u->bytes / 8;
	return 0;
}

static unsigned int lists_of(const struct device *d, struct link_list lists[ETALON_HW_LISTS_MAX])
{
	unsigned int count = 0;

	while (count < ETALON_HW_LISTS_MAX && d->list[count]) {
		lists[count] = (struct link_list){d->list[count], d->list_points[count]};
		count++;
	}
	return count;
}

/* Nobody reads the hardware's records meanwhile. */
static void pause_reading(struct device *d, bool pause)
{
	pthread_mutex_lock(&d->lock);
	d->pausing = pause;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	if (pause) {
		d->hardware->ops->records_cancel(d->hardware);
		pthread_mutex_lock(&d->hardware_records);
	} else {
		pthread_mutex_unlock(&d->hardware_records);
	}
}

static int load(struct device *d, struct etalon_load *l)
{
	struct link_list lists[ETALON_HW_LISTS_MAX];
	struct link_refusal refusal = {0};
	struct link_program loaded;
	unsigned int count = lists_of(d, lists);
	int r = d->hardware->ops->load(d->hardware, &d->program, lists, count, &loaded, &refusal);

	tell(&l->refusal, &refusal, r);
	if (r < 0)
		return r;
	l->duration_ns = loaded.duration_ns;
	l->points = loaded.points;
	l->stride = loaded.stride;
	l->crc = loaded.crc;
	l->duration_is_bound = loaded.duration_is_bound;
	pthread_mutex_lock(&d->lock);
	d->ring->stride = loaded.stride;
	d->ring->data_modulus = d->data_bytes / loaded.stride * loaded.stride;
	d->loaded = true;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static int do_load(struct fake_kernel *f, struct device *d, struct etalon_load *l)
{
	int r;

	if (l->size != sizeof(*l) || l->flags || l->reserved || !d->have_program)
		return -EINVAL;
	if (f->at_load)
		f->at_load(f->at_load_userdata);
	if (d->ring->consumer != d->ring->producer &&
	    d->ring->stride != record_stride(d->program.detector_count))
		return -EBUSY;
	fake_device_look(f, d);
	if (d->status.sequencer == ETALON_HW_SEQUENCER_RUNNING) {
		l->refusal.result = ETALON_HW_REFUSED_STATE;
		return -EBUSY;
	}
	pause_reading(d, true);
	r = load(d, l);
	pause_reading(d, false);
	return r;
}

static int unwritten(const struct device *d)
{
	const struct description *desc = d->hardware->description;

	for (unsigned int i = 0; i < desc->head.source_count; i++)
		if (desc->source[i].emits && !d->limits_written[i])
			return (int)i;
	return -1;
}

static int arm(struct fake_kernel *f, struct device *d, const struct etalon_command *c,
	       struct link_refusal *refusal)
{
	int r = unwritten(d);

	if (r >= 0) {
		*refusal = (struct link_refusal){.result = ETALON_HW_REFUSED_LIMITS_UNWRITTEN,
						 .detail = (uint32_t)r};
		return -EACCES;
	}
	r = d->hardware->ops->arm(d->hardware, (uint32_t)c->period_ns, refusal);
	if (r < 0)
		return r;
	pthread_mutex_lock(&f->lock);
	d->period_ns = c->period_ns;
	d->kicked_ns = now_ns();
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int do_command(struct fake_kernel *f, struct device *d, unsigned long request,
		      struct etalon_command *c)
{
	const struct link_ops *ops = d->hardware->ops;
	struct link_refusal refusal = {0};
	int r;

	if (c->size != sizeof(*c) || c->flags || (request != ETALON_IOC_ARM && c->period_ns))
		return -EINVAL;
	if (request == ETALON_IOC_ARM)
		r = arm(f, d, c, &refusal);
	else if (request == ETALON_IOC_EMIT)
		r = ops->emit(d->hardware, &refusal);
	else if (request == ETALON_IOC_START)
		r = ops->start(d->hardware, &refusal);
	else
		r = ops->clear(d->hardware, &refusal);
	tell(&c->refusal, &refusal, r);
	if (r == 0 && request == ETALON_IOC_CLEAR && d->limits_stale)
		fake_device_reset_limits(d);
	return r;
}

static int do_kick(struct fake_kernel *f, struct device *d)
{
	bool armed;

	pthread_mutex_lock(&f->lock);
	armed = d->period_ns > 0;
	d->kicked_ns = now_ns();
	pthread_mutex_unlock(&f->lock);
	return armed ? d->hardware->ops->kick(d->hardware) : -EACCES;
}

static int do_dark(struct fake_kernel *f, struct device *d, unsigned long request)
{
	pthread_mutex_lock(&f->lock);
	d->period_ns = 0;
	pthread_mutex_unlock(&f->lock);
	return request == ETALON_IOC_OFF ? d->hardware->ops->off(d->hardware)
					 : d->hardware->ops->halt(d->hardware);
}

static int do_sequence(struct device *d, struct file *file, unsigned long request,
		       const struct etalon_sequence *s)
{
	int r = 0;

	if (s->size != sizeof(*s) || s->flags)
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	if (request == ETALON_IOC_WANT)
		file->want = s->sequence;
	else if (s->sequence < d->ring->consumer || s->sequence > d->ring->producer)
		r = -EINVAL;
	else
		__atomic_store_n(&d->ring->consumer, s->sequence, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return r;
}

static int control_ioctl(struct fake_kernel *f, struct device *d, unsigned long request,
			 void *argument)
{
	switch (request) {
	case ETALON_IOC_SET_LIMITS:
		return do_limits(d, argument);
	case ETALON_IOC_SET_SOURCE:
	case ETALON_IOC_GET_SOURCE:
	case ETALON_IOC_SET_COMPLIANCE:
	case ETALON_IOC_SET_RANGE:
		return do_value(d, request, argument);
	case ETALON_IOC_LIVE:
		return do_live(d, argument);
	case ETALON_IOC_UPLOAD:
		return do_upload(d, argument);
	case ETALON_IOC_LOAD:
		return do_load(f, d, argument);
	case ETALON_IOC_START:
	case ETALON_IOC_ARM:
	case ETALON_IOC_EMIT:
	case ETALON_IOC_CLEAR:
		return do_command(f, d, request, argument);
	case ETALON_IOC_STOP:
		return d->hardware->ops->stop(d->hardware);
	case ETALON_IOC_KICK:
		return do_kick(f, d);
	case ETALON_IOC_OFF:
	case ETALON_IOC_HALT:
		return do_dark(f, d, request);
	default:
		return -ENOTTY;
	}
}

int fake_ioctl(void *userdata, int fd, unsigned long request, void *argument)
{
	struct fake_kernel *f = userdata;
	struct file *file;
	struct device *d;
	bool revoked, control;

	pthread_mutex_lock(&f->lock);
	f->counts[request & (FAKE_KERNEL_IOCTLS - 1)]++;
	file = fake_file_of(f, fd);
	d = file ? file->device : NULL;
	revoked = file && file->revoked;
	control = file && file->control;
	pthread_mutex_unlock(&f->lock);
	if (!file)
		return -EBADF;
	if (__atomic_load_n(&d->ring->gone, __ATOMIC_ACQUIRE))
		return -ENODEV;
	if (revoked)
		return -ESTALE;
	switch (request) {
	case ETALON_IOC_INFO:
		return do_info(d, argument);
	case ETALON_IOC_DESCRIPTION:
		return do_description(d, argument);
	case ETALON_IOC_STATUS:
		return do_status(f, file, argument);
	case ETALON_IOC_CLOCK:
		return do_clock(d, argument);
	case ETALON_IOC_RELEASE:
	case ETALON_IOC_WANT:
		return control ? -ENOTTY : do_sequence(d, file, request, argument);
	default:
		return control ? control_ioctl(f, d, request, argument) : -ENOTTY;
	}
}
