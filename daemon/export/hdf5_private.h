/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the HDF5 writer and reader share: handles by scope, quiet errors. Layer: export.
 */
#ifndef ETALON_EXPORT_HDF5_PRIVATE_H
#define ETALON_EXPORT_HDF5_PRIVATE_H

#include <hdf5.h>
#include <jansson.h>

#include "base/cleanup.h"

#define HDF5_DATA "data"
#define HDF5_META "meta"
#define HDF5_JSON "json" /* below meta */
#define HDF5_LEGEND "flags_legend"
#define HDF5_NAME "name"
#define HDF5_UNITS "units"

static inline void hid_closep(hid_t *id)
{
	if (*id > 0)
		H5Idec_ref(*id);
}

#define _cleanup_hid_ _cleanup_(hid_closep)

static inline hid_t take_hid(hid_t *id)
{
	hid_t taken = *id;

	*id = -1;
	return taken;
}

/* The library prints its errors to stderr unless it is told not to. */
struct hdf5_quiet {
	H5E_auto2_t function;
	void *data;
};

static inline struct hdf5_quiet hdf5_quiet_begin(void)
{
	struct hdf5_quiet q = {};

	H5Eget_auto2(H5E_DEFAULT, &q.function, &q.data);
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	return q;
}

static inline void hdf5_quiet_end(struct hdf5_quiet *q)
{
	H5Eclear2(H5E_DEFAULT);
	H5Eset_auto2(H5E_DEFAULT, q->function, q->data);
}

#define _cleanup_quiet_ __attribute__((__unused__)) _cleanup_(hdf5_quiet_end)

/*
 * Turns the library's error stack into a message "<path>: <what>: <its words>" and a
 * negative errno: that of the system call when there was one, else `error`.
 */
int hdf5_fail(char **ret_message, int error, const char *path, const char *what);

/* UTF-8 text, variable length: what h5py reads as str. */
hid_t hdf5_text_type(void);
int hdf5_put_text(hid_t object, const char *name, const char *text);
/* Members of an object as attributes and groups of `group`. -EIO with an error stack. */
int hdf5_put_object(hid_t group, json_t *object);
/* A malloc'ed text of a dataset or attribute that holds one string; NULL when it is none. */
char *hdf5_get_text(hid_t object, const char *attribute);

#endif
