// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reading etalond.conf through libcyaml. See config.h. What a limit means for a board is in
 * site.c.
 */
#include "etalond/config.h"

#include <ctype.h>
#include <cyaml/cyaml.h>

#include "base/util.h"

#define ENTRIES_MAX 256

static const cyaml_schema_field_t alias_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_alias, name, 1, 63),
	CYAML_FIELD_STRING_PTR("channel", CYAML_FLAG_POINTER, struct config_alias, channel, 1, 31),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t alias_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_alias, alias_fields),
};

#define OPTIONAL_TEXT (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_schema_field_t limit_fields[] = {
	CYAML_FIELD_STRING_PTR("source", CYAML_FLAG_POINTER, struct config_limit, source, 1, 31),
	CYAML_FIELD_STRING_PTR("min", OPTIONAL_TEXT, struct config_limit, min, 1, 63),
	CYAML_FIELD_STRING_PTR("max", OPTIONAL_TEXT, struct config_limit, max, 1, 63),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t limit_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_limit, limit_fields),
};

static const cyaml_schema_field_t config_fields[] = {
	CYAML_FIELD_STRING_PTR("default_power", OPTIONAL_TEXT, struct config, default_power, 1, 63),
	CYAML_FIELD_SEQUENCE_COUNT("aliases", OPTIONAL_TEXT, struct config, aliases, alias_count,
				   &alias_entry, 0, ENTRIES_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("limits", OPTIONAL_TEXT, struct config, limits, limit_count,
				   &limit_entry, 0, ENTRIES_MAX),
	CYAML_FIELD_STRING_PTR("quota", OPTIONAL_TEXT, struct config, quota, 1, 63),
	CYAML_FIELD_UINT_PTR("watchdog_ms", OPTIONAL_TEXT, struct config, watchdog),
	CYAML_FIELD_STRING_PTR("analyse", OPTIONAL_TEXT, struct config, analyse, 1, 4095),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config, config_fields),
};

/* What libcyaml says: first the cause, then where, innermost first. */
struct complaint {
	char what[512];
	unsigned int line; /* 0: not told */
};

static void listen(cyaml_log_t level, void *userdata, const char *format, va_list args)
{
	struct complaint *c = userdata;
	char text[512];
	const char *line;

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	line = strstr(text, "(line: ");
	if (line && c->line == 0)
		c->line = (unsigned int)strtoul(line + strlen("(line: "), NULL, 10);
	if (c->what[0] == '\0')
		snprintf(c->what, sizeof(c->what), "%s",
			 strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

static cyaml_config_t cyaml_settings(struct complaint *complaint)
{
	return (cyaml_config_t){
		.log_fn = listen,
		.log_ctx = complaint,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
	};
}

/* Of an unknown key libcyaml tells where its mapping begins: the key itself is looked for from there. */
static void find_key(const char *path, struct complaint *c)
{
	static const char says[] = "Unexpected key: ";
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *key = NULL, *text = NULL;
	unsigned int number = 0;
	size_t room = 0;

	if (!f || strncmp(c->what, says, strlen(says)) != 0)
		return;
	key = asprintf_or_null("%s:", c->what + strlen(says));
	while (key && getline(&text, &room, f) > 0) {
		if (++number < c->line || !strstr(text, key))
			continue;
		c->line = number;
		return;
	}
}

static int complain(const char *path, struct complaint *c, cyaml_err_t error, char **ret_message)
{
	const char *what = c->what[0] ? c->what : cyaml_strerror(error);

	find_key(path, c);
	if (c->line == 0)
		return fail(ret_message, -EINVAL, "%s: %s", path, what);
	return fail(ret_message, -EINVAL, "%s:%u: %s", path, c->line, what);
}

static int parse_bytes(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = {{"MB", 1e6},	 {"GB", 1e9},		{"TB", 1e12},
		     {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0}};
	char *end;
	double number = strtod(text, &end);

	while (isspace((unsigned char)*end))
		end++;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!streq(end, units[i].unit) || !(number >= 0) || number * units[i].factor > 1e18)
			continue;
		*ret = (uint64_t)(number * units[i].factor);
		return 0;
	}
	return -EINVAL;
}

static int work_out(struct config *c, const char *path, char **ret_message)
{
	_cleanup_free_ char *why = NULL;

	if (c->default_power && config_quantity(ETALON_HW_SOURCE_POWER, c->default_power,
						&c->default_power_fw, &why) < 0)
		return fail(ret_message, -EINVAL, "%s: default_power: %s", path, why);
	if (c->default_power && c->default_power_fw <= 0)
		return fail(
			ret_message, -EINVAL,
			"%s: default_power: %s is no light; leave the key out to have no default",
			path, c->default_power);
	if (c->quota && parse_bytes(c->quota, &c->quota_bytes) < 0)
		return fail(ret_message, -EINVAL,
			    "%s: quota: \"%s\" is not a size; write for instance 20 GB or 20 GiB",
			    path, c->quota);
	c->watchdog_ms = c->watchdog ? *c->watchdog : CONFIG_WATCHDOG_DEFAULT_MS;
	if (c->watchdog_ms < 50 || c->watchdog_ms > 1000)
		return fail(ret_message, -EINVAL, "%s: watchdog_ms: %u is not within 50 to 1000",
			    path, c->watchdog_ms);
	return 0;
}

int config_load(const char *path, struct config **ret, char **ret_message)
{
	_cleanup_(config_freep) struct config *config = NULL;
	struct complaint complaint = {.what = ""};
	cyaml_config_t settings = cyaml_settings(&complaint);
	cyaml_data_t *data = NULL;
	cyaml_err_t error;
	int r;

	if (path) {
		if (access(path, R_OK) < 0)
			return fail(ret_message, -errno, "configuration %s: %s", path,
				    strerror(errno));
		error = cyaml_load_file(path, &settings, &config_schema, &data, NULL);
		if (error != CYAML_OK)
			return complain(path, &complaint, error, ret_message);
		config = (struct config *)data;
	}
	if (!config)
		config = cyaml_mem(NULL, NULL, sizeof(*config));
	if (!config)
		return -ENOMEM;
	if (!data)
		memset(config, 0, sizeof(*config));
	r = work_out(config, path ? path : "configuration", ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(config);
	return 0;
}

struct config *config_free(struct config *config)
{
	struct complaint complaint = {.what = ""};
	cyaml_config_t settings = cyaml_settings(&complaint);

	if (config)
		cyaml_free(&settings, &config_schema, config, 0);
	return NULL;
}
