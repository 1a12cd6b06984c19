// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The boards of the fake kernel. Two threads for each that is plugged in, as a driver has
 * interrupts: one moves records to the ring, one hears events and ends light when nobody kicks.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fake_kernel_private.h"

#define DEADMAN_MARGIN_NS (20 * NSEC_PER_MSEC) /* the board's watchdog is faster, and says why */
#define SLICE_MS 2

struct thread_arguments {
	struct fake_kernel *fake;
	struct device *device;
};

static void wake_files(struct fake_kernel *f, const struct device *d, bool control)
{
	struct file *file = fake_file_for(f, d, control);

	if (file)
		eventfd_write(file->fd, 1);
}

/* ---- what the board says ---- */

static bool differs(const struct link_status *a, const struct link_status *b)
{
	return a->state != b->state || a->causes_live != b->causes_live ||
	       a->causes_latched != b->causes_latched || a->sequencer != b->sequencer ||
	       a->status_bits != b->status_bits || a->last_off_tick != b->last_off_tick;
}

void fake_device_look(struct fake_kernel *f, struct device *d)
{
	struct link_status s;

	if (d->hardware->ops->status(d->hardware, &s) < 0)
		return;
	pthread_mutex_lock(&f->lock);
	if (differs(&s, &d->status)) {
		d->events++;
		wake_files(f, d, false);
	}
	d->status = s;
	__atomic_store_n(&d->ring->state, s.state, __ATOMIC_RELEASE);
	__atomic_store_n(&d->ring->sequencer, s.sequencer, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&f->lock);
}

static void mark_gone(struct fake_kernel *f, struct device *d)
{
	pthread_mutex_lock(&d->lock);
	d->gone = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_lock(&f->lock);
	__atomic_store_n(&d->ring->gone, 1, __ATOMIC_RELEASE);
	wake_files(f, d, false);
	wake_files(f, d, true);
	d->plugged = false;
	pthread_mutex_unlock(&f->lock);
}

/* ---- records ---- */

static bool has_place(const struct device *d, uint64_t sequence)
{
	uint64_t consumer = d->ring->consumer;

	return consumer == d->ring->producer ||
	       sequence < consumer + d->ring->data_modulus / d->ring->stride;
}

static void place_record(struct device *d, const char *record, uint64_t sequence)
{
	uint64_t at = sequence * d->ring->stride % d->ring->data_modulus;

	memcpy(d->data + at, record, d->ring->stride);
	__atomic_store_n(&d->ring->producer, sequence + 1, __ATOMIC_RELEASE);
}

bool fake_device_put(struct device *d, const char *record)
{
	struct etalon_hw_record head;
	bool placed = false;

	memcpy(&head, record, sizeof(head));
	pthread_mutex_lock(&d->lock);
	while (!d->stop && !d->gone && !d->pausing && !placed) {
		placed = has_place(d, head.sequence);
		if (!placed)
			pthread_cond_wait(&d->changed, &d->lock);
	}
	if (placed)
		place_record(d, record, head.sequence);
	pthread_mutex_unlock(&d->lock);
	return placed;
}

static int move_records(struct device *d)
{
	const void *records;
	size_t bytes, at = 0;
	int r = d->hardware->ops->records(d->hardware, 20, 65536, &records, &bytes);

	if (r < 0)
		return r;
	while (at < bytes && fake_device_put(d, (const char *)records + at))
		at += d->ring->stride;
	return d->hardware->ops->release(d->hardware, bytes);
}

static bool may_read(struct device *d)
{
	bool stop;

	pthread_mutex_lock(&d->lock);
	while (!d->stop && !d->gone && (!d->loaded || d->pausing))
		pthread_cond_wait(&d->changed, &d->lock);
	stop = d->stop || d->gone;
	pthread_mutex_unlock(&d->lock);
	return !stop;
}

static void *records_thread(void *userdata)
{
	struct thread_arguments a = *(struct thread_arguments *)userdata;
	struct device *d = a.device;

	free(userdata);
	while (may_read(d)) {
		int r;

		pthread_mutex_lock(&d->hardware_records);
		r = move_records(d);
		pthread_mutex_unlock(&d->hardware_records);
		if (r == -ENODEV)
			mark_gone(a.fake, d);
	}
	return NULL;
}

/* ---- events and the dead man ---- */

int fake_device_reset_limits(struct device *d)
{
	const struct description *desc = d->hardware->description;
	int r = 0;

	for (unsigned int i = 0; i < desc->head.source_count && r == 0; i++)
		r = d->hardware->ops->set_limits(d->hardware, i, desc->source[i].min,
						 desc->source[i].max, NULL);
	memset(d->limits_written, 0, sizeof(d->limits_written));
	d->limits_stale = r < 0;
	return r;
}

void fake_device_revoke(struct fake_kernel *f, struct device *d)
{
	struct file *file;

	pthread_mutex_lock(&d->acting);
	d->hardware->ops->halt(d->hardware);
	pthread_mutex_lock(&f->lock);
	d->period_ns = 0;
	file = fake_file_for(f, d, true);
	if (file) {
		file->revoked = true;
		eventfd_write(file->fd, 1);
	}
	d->limits_stale = true;
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_unlock(&d->acting);
	fake_device_look(f, d);
}

static bool is_expired(struct fake_kernel *f, const struct device *d)
{
	bool expired;

	pthread_mutex_lock(&f->lock);
	expired = d->period_ns > 0 && now_ns() > d->kicked_ns + d->period_ns + DEADMAN_MARGIN_NS;
	pthread_mutex_unlock(&f->lock);
	return expired;
}

static bool is_over(struct device *d)
{
	bool over;

	pthread_mutex_lock(&d->lock);
	over = d->stop || d->gone;
	pthread_mutex_unlock(&d->lock);
	return over;
}

static void *events_thread(void *userdata)
{
	struct thread_arguments a = *(struct thread_arguments *)userdata;
	struct device *d = a.device;

	free(userdata);
	while (!is_over(d)) {
		struct pollfd p = {.fd = d->hardware->ops->event_fd(d->hardware), .events = POLLIN};
		struct etalon_hw_usb_event event;
		int r = 0;

		if (poll(&p, 1, SLICE_MS) > 0) {
			while (r == 0)
				r = d->hardware->ops->event(d->hardware, &event);
			fake_device_look(a.fake, d);
		}
		if (r == -ENODEV)
			mark_gone(a.fake, d);
		if (is_expired(a.fake, d))
			fake_device_revoke(a.fake, d);
	}
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), struct fake_kernel *f, struct device *d)
{
	struct thread_arguments *a = malloc(sizeof(*a));

	if (!a)
		abort();
	*a = (struct thread_arguments){f, d};
	if (pthread_create(thread, NULL, run, a) != 0)
		abort();
}

/* ---- plugging ---- */

static int make_ring(struct device *d, size_t ring_bytes)
{
	void *at;

	d->memory = memfd_create("ring", MFD_CLOEXEC);
	d->data_bytes = ring_bytes;
	if (d->memory < 0 || ftruncate(d->memory, (off_t)(fake_page_bytes() + ring_bytes)) < 0)
		return -errno;
	at = mmap(NULL, fake_page_bytes() + ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		  d->memory, 0);
	if (at == MAP_FAILED)
		return -errno;
	d->ring = at;
	d->data = (unsigned char *)at + fake_page_bytes();
	d->ring->magic = ETALON_RING_STATUS_MAGIC;
	d->ring->size = sizeof(*d->ring);
	return 0;
}

void fake_kernel_plug(struct fake_kernel *f, const char *path, struct link *hardware)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d || make_ring(d, f->ring_bytes) < 0)
		abort();
	snprintf(d->path, sizeof(d->path), "%s", path);
	d->plugged = true;
	d->hardware = hardware;
	d->epoch = ++f->epochs;
	pthread_mutex_init(&d->acting, NULL);
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->hardware_records, NULL);
	pthread_cond_init(&d->changed, NULL);
	fake_device_look(f, d);
	start(&d->records_thread, records_thread, f, d);
	start(&d->events_thread, events_thread, f, d);
	pthread_mutex_lock(&f->lock);
	d->next = f->devices;
	f->devices = f->device = d;
	pthread_mutex_unlock(&f->lock);
}

static void stop_device(struct device *d)
{
	if (!d->hardware)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->records_thread, NULL);
	pthread_join(d->events_thread, NULL);
	link_close(d->hardware);
	d->hardware = NULL;
}

void fake_kernel_unplug(struct fake_kernel *f)
{
	struct device *d = f->device;

	mark_gone(f, d);
	/* The hardware stays until the end: a call may be on its way in it. Its light goes off now. */
	d->hardware->ops->halt(d->hardware);
}

struct fake_kernel *fake_kernel_new(struct link *hardware, size_t ring_bytes)
{
	struct fake_kernel *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	pthread_mutex_init(&f->lock, NULL);
	f->ring_bytes = ring_bytes;
	for (size_t i = 0; i < FILES_MAX; i++)
		f->files[i].fd = -1;
	fake_kernel_plug(f, FAKE_KERNEL_PATH, hardware);
	return f;
}

static void device_free(struct device *d)
{
	stop_device(d);
	munmap(d->ring, fake_page_bytes() + d->data_bytes);
	close(d->memory);
	for (size_t i = 0; i < ETALON_HW_LISTS_MAX; i++)
		free(d->list[i]);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->hardware_records);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->acting);
	free(d);
}

void fake_kernel_free(struct fake_kernel *f)
{
	while (f->devices) {
		struct device *d = f->devices;

		f->devices = d->next;
		device_free(d);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}
