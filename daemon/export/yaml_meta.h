/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The description of a run (data/meta.h) as YAML, for people, and back. The keys stay what
 * they are; what is written reads back as the same object. Layer: export.
 *
 * Plain scalars are read by the core schema of YAML 1.2, with two exceptions that keep
 * what people write: whole numbers with leading zeros or beyond 64 bits are
 * identifications, thus strings; .nan and .inf, which JSON has not, stay the strings
 * ".nan", ".inf" and "-.inf" and are written plain again.
 */
#ifndef ETALON_EXPORT_YAML_META_H
#define ETALON_EXPORT_YAML_META_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "data/table.h"

#define YAML_TEXT_MAX (16U << 20) /* bytes */
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 1000000

#define _cleanup_json_ _cleanup_(json_decrefp)

/*
 * One mapping. -EBADMSG with a message for aliases, tags of other schemas, repeated keys,
 * tabs, and what is no YAML; `name` and `first_line` are where the text comes from.
 */
int yaml_read(const char *text, size_t size, const char *name, uint64_t first_line, json_t **ret,
	      char **ret_message);
/* Block style, LF, no document marks. -ENOMEM. */
int yaml_write(json_t *object, char **ret, size_t *ret_size);

/*
 * "flags_legend": {name: mask} explains the flag words of an exported file. It is written
 * by the exporters and dropped by the readers, when it is exactly that: it is no part of
 * the run.
 */
#define YAML_LEGEND_KEY "flags_legend"
/* When the table has flag words and the description no such key. -ENOMEM. */
int yaml_meta_add_legend(json_t *description, const struct table *table);
void yaml_meta_drop_legend(json_t *meta);

#endif
