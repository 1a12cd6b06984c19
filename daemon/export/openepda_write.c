// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writes openEPDA data files, version 0.2. Layer: export.
 */
#include <errno.h>
#include <time.h>

#include "base/util.h"
#include "data/meta.h"
#include "export/csv_write.h"
#include "export/openepda.h"
#include "export/row_count.h"
#include "export/yaml_meta.h"

static json_t *now_iso(void)
{
	struct timespec t;
	struct tm utc;
	char text[64];
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &utc);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + n, sizeof(text) - n, ".%06ld+00:00", t.tv_nsec / 1000);
	return json_string(text);
}

/* Reserved keys first, as the specification's examples have them. */
static json_t *describe(const struct table *table)
{
	_cleanup_json_ json_t *all = json_object();
	json_t *created = json_object_get(table->meta, META_CREATED);
	bool stamped = json_is_string(created) && openepda_is_time(json_string_value(created));

	if (!all ||
	    json_object_set_new(all, "_timestamp", stamped ? json_incref(created) : now_iso()) <
		    0 ||
	    json_object_set_new(all, "_openEPDA_version", json_string("0.2")) < 0 ||
	    json_object_update_missing(all, table->meta) < 0 || row_count_add(all, table) < 0 ||
	    yaml_meta_add_legend(all, table) < 0)
		return NULL;
	if (stamped)
		json_object_del(all, META_CREATED); /* comes back from _timestamp */
	return take_ptr(all);
}

static int check_keys(json_t *meta, char **ret_message)
{
	json_t *value;
	const char *key;

	json_object_foreach(meta, key, value)
		if (*key == '_')
			return fail(
				ret_message, -EINVAL,
				"the description has the key \"%s\"; openEPDA reserves names that "
				"begin with _",
				key);
	return 0;
}

int openepda_write(FILE *stream, const struct table *table, enum openepda_dialect dialect,
		   char **ret_message)
{
	_cleanup_json_ json_t *description = NULL;
	_cleanup_free_ char *yaml = NULL;
	size_t size;
	int r;

	r = check_keys(table->meta, ret_message);
	if (r < 0)
		return r;
	description = describe(table);
	r = description ? yaml_write(description, &yaml, &size) : -ENOMEM;
	if (r < 0)
		return r;
	errno = EIO;
	if (fputs("# openEPDA DATA FORMAT\n", stream) < 0 ||
	    fwrite(yaml, 1, size, stream) != size ||
	    fputs(dialect == OPENEPDA_STANDARD ? "...\n" : "---\n", stream) < 0)
		return -errno;
	return csv_write_table(stream, table);
}
