// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Blocks between two threads. See stream.h. Looks at no record.
 */
#include "etalond/stream.h"

#include <pthread.h>
#include <sys/mman.h>

#include "base/util.h"

#define MEMORY_BYTES ((size_t)STREAM_BLOCKS * ACQUIRE_BLOCK_BYTES)

enum piece_kind {
	PIECE_MEMORY, /* the first of all: takes the blocks' memory */
	PIECE_BEGIN,
	PIECE_BLOCK,
	PIECE_END,
};

/* One thing to be written; every kind takes a block of the pool, so that order is kept. */
struct piece {
	struct write write;
	struct stream *stream;
	struct piece *next_free;
	enum piece_kind kind;
	unsigned int segment;
	unsigned int purpose;
	uint32_t stride;
	json_t *ledger;
	size_t bytes;
	void *data; /* ACQUIRE_BLOCK_BYTES */
};

_Static_assert(sizeof(struct etalon_hw_program) <= ACQUIRE_BLOCK_BYTES, "a program fits a block");

struct stream {
	struct writer *writer;
	int64_t run;
	void (*failed)(void *userdata);
	void *userdata;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct piece *free_list; /* under lock */
	unsigned int free_count; /* under lock */
	int error; /* under lock: the first */
	char *message; /* under lock */
	uint64_t handed, written, committed; /* under lock: bytes of blocks */
	int commit_error; /* under lock */
	struct commit_watch watch;
	void *memory;
	struct piece pieces[STREAM_BLOCKS];
};

/* ---- on the writer thread ---- */

/* For good, so that no sweep fails half-way; while the board makes its first steps. */
static int take_memory(struct stream *s)
{
	/* One by one: nobody else gets memory meanwhile. */
	for (unsigned int i = 0; i < STREAM_BLOCKS; i++)
		if (madvise(s->pieces[i].data, ACQUIRE_BLOCK_BYTES, MADV_POPULATE_WRITE) < 0)
			/* Before Linux 5.14 it comes as it is used. */
			return errno == EINVAL ? 0 : -ENOMEM;
	return 0;
}

static int write_piece(struct store *store, const struct piece *p)
{
	switch (p->kind) {
	case PIECE_MEMORY:
		return take_memory(p->stream);
	case PIECE_BEGIN:
		return store_segment_begin(store, p->stream->run, p->segment, p->purpose, p->data,
					   p->stride);
	case PIECE_BLOCK:
		return store_block(store, p->stream->run, p->segment, p->data, p->bytes);
	case PIECE_END:
		return store_segment_end(store, p->stream->run, p->segment, p->ledger);
	}
	return -EINVAL;
}

static void run_piece(struct write *write, struct store *store)
{
	struct piece *p = container_of(write, struct piece, write);
	struct stream *s = p->stream;
	bool first = false;
	/* After a failure nothing more is tried but to end the segments. */
	int r = s->error < 0 && p->kind == PIECE_BLOCK ? 0 : write_piece(store, p);

	json_decref(p->ledger);
	p->ledger = NULL;
	pthread_mutex_lock(&s->lock);
	if (r < 0 && s->error == 0) {
		s->error = r;
		s->message = strdup(p->kind == PIECE_MEMORY ? "no memory for the records"
							    : store_message(store));
		first = true;
	}
	if (r == 0 && p->kind == PIECE_BLOCK)
		s->written += p->bytes;
	p->next_free = s->free_list;
	s->free_list = p;
	s->free_count++;
	/* While we hold the lock, nobody can have seen the last piece and freed the stream. */
	if (first)
		s->failed(s->userdata);
	pthread_cond_broadcast(&s->freed);
	pthread_mutex_unlock(&s->lock);
}

static void on_committed(struct commit_watch *watch, int error)
{
	struct stream *s = container_of(watch, struct stream, watch);

	pthread_mutex_lock(&s->lock);
	if (error < 0 && s->commit_error == 0)
		s->commit_error = error;
	/* After an error nothing counts any more: blocks behind it are not there. */
	if (s->error == 0 && s->commit_error == 0)
		s->committed = s->written;
	pthread_cond_broadcast(&s->freed);
	pthread_mutex_unlock(&s->lock);
}

/* ---- on the acquiring thread ---- */

static int take_piece(struct stream *s, bool also_after_failure, struct piece **ret)
{
	int error;

	pthread_mutex_lock(&s->lock);
	while (!s->free_list)
		pthread_cond_wait(&s->freed, &s->lock);
	error = s->error;
	if (error == 0 || also_after_failure) {
		*ret = s->free_list;
		s->free_list = (*ret)->next_free;
		s->free_count--;
		error = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return error;
}

static void submit(struct stream *s, struct piece *p, enum piece_kind kind, unsigned int segment)
{
	p->kind = kind;
	p->segment = segment;
	p->write.run = run_piece;
	writer_submit(s->writer, &p->write);
}

int stream_segment_begin(struct stream *s, unsigned int segment, unsigned int purpose,
			 const struct etalon_hw_program *program, uint32_t stride)
{
	struct piece *p = NULL;
	int r = take_piece(s, false, &p);

	if (r < 0)
		return r;
	memcpy(p->data, program, sizeof(*program));
	p->purpose = purpose;
	p->stride = stride;
	submit(s, p, PIECE_BEGIN, segment);
	return 0;
}

int stream_block(struct stream *s, unsigned int segment, const void *records, size_t bytes)
{
	struct piece *p = NULL;
	int r;

	if (bytes > ACQUIRE_BLOCK_BYTES)
		return -EMSGSIZE;
	r = take_piece(s, false, &p);
	if (r < 0)
		return r;
	memcpy(p->data, records, bytes);
	p->bytes = bytes;
	pthread_mutex_lock(&s->lock);
	s->handed += bytes;
	pthread_mutex_unlock(&s->lock);
	submit(s, p, PIECE_BLOCK, segment);
	return 0;
}

int stream_segment_end(struct stream *s, unsigned int segment, const struct ledger *ledger)
{
	json_t *text = ledger_json(ledger);
	struct piece *p = NULL;
	int r;

	if (!text)
		return -ENOMEM;
	r = take_piece(s, true, &p);
	if (r < 0) {
		json_decref(text);
		return r;
	}
	p->ledger = text;
	submit(s, p, PIECE_END, segment);
	return 0;
}

int stream_committed(struct stream *s, bool wait, uint64_t *ret_bytes)
{
	int error;

	pthread_mutex_lock(&s->lock);
	while (wait && s->error == 0 && s->commit_error == 0 && s->committed < s->handed)
		pthread_cond_wait(&s->freed, &s->lock);
	error = s->error < 0 ? s->error : s->commit_error;
	*ret_bytes = s->committed;
	pthread_mutex_unlock(&s->lock);
	return wait ? error : 0;
}

int stream_error(struct stream *s, char **ret_message)
{
	int error;

	pthread_mutex_lock(&s->lock);
	error = s->error;
	if (error < 0 && ret_message)
		*ret_message = s->message ? strdup(s->message) : NULL;
	pthread_mutex_unlock(&s->lock);
	return error;
}

int stream_flush(struct stream *s, char **ret_message)
{
	pthread_mutex_lock(&s->lock);
	while (s->free_count < STREAM_BLOCKS)
		pthread_cond_wait(&s->freed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return stream_error(s, ret_message);
}

int stream_new(struct writer *writer, int64_t run, void (*failed)(void *userdata), void *userdata,
	       struct stream **ret)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct piece *first = NULL;

	if (!s)
		return -ENOMEM;
	*s = (struct stream){.writer = writer, .run = run, .failed = failed, .userdata = userdata};
	s->memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (s->memory == MAP_FAILED) {
		free(s);
		return -ENOMEM;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->freed, NULL);
	for (unsigned int i = 0; i < STREAM_BLOCKS; i++) {
		struct piece *p = &s->pieces[i];

		p->stream = s;
		p->data = (char *)s->memory + (size_t)i * ACQUIRE_BLOCK_BYTES;
		p->next_free = s->free_list;
		s->free_list = p;
	}
	s->free_count = STREAM_BLOCKS;
	s->watch.committed = on_committed;
	writer_watch(writer, &s->watch);
	take_piece(s, false, &first);
	submit(s, first, PIECE_MEMORY, 0);
	*ret = s;
	return 0;
}

struct stream *stream_free(struct stream *s)
{
	if (!s)
		return NULL;
	stream_flush(s, NULL);
	writer_unwatch(&s->watch);
	munmap(s->memory, MEMORY_BYTES);
	pthread_cond_destroy(&s->freed);
	pthread_mutex_destroy(&s->lock);
	free(s->message);
	free(s);
	return NULL;
}
