// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The XML files are the API: what the running objects say of themselves is compared with them,
 * member by member, in both directions.
 */
#include <errno.h>
#include <stdarg.h>

#include "base/util.h"
#include "daemon_pair.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define MEMBERS_MAX 128
#define CONST_ANNOTATION "org.freedesktop.DBus.Property.EmitsChangedSignal"

/* "method Lease in:u:period_ms in:a{sv}:options out:h:lease", "property Serial s read const" */
struct members {
	char *text[MEMBERS_MAX];
	size_t count;
};

static void members_clear(struct members *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->text[i]);
	m->count = 0;
}

/* Just enough XML: tags with attributes, comments and the rest passed over. */
struct scanner {
	const char *at;
	char tag[32]; /* "/method" for an end, "arg" ... */
	bool empty; /* "<.../>" */
	char attributes[512]; /* as written */
};

static bool next_tag(struct scanner *s)
{
	while ((s->at = strchr(s->at, '<'))) {
		const char *end;
		size_t length;

		if (strncmp(s->at, "<!--", 4) == 0) {
			s->at = strstr(s->at, "-->");
			continue;
		}
		end = strchr(s->at, '>');
		ck_assert_ptr_nonnull(end);
		length = s->at[1] == '/' ? strcspn(s->at + 1, " \t\n>")
					 : strcspn(s->at + 1, " \t\n/>");
		snprintf(s->tag, sizeof(s->tag), "%.*s", (int)length, s->at + 1);
		snprintf(s->attributes, sizeof(s->attributes), "%.*s",
			 (int)(end - s->at - 1 - (long)length), s->at + 1 + length);
		s->empty = end[-1] == '/';
		s->at = end + 1;
		return true;
	}
	return false;
}

static const char *attribute(const struct scanner *s, const char *name, char buffer[128])
{
	_cleanup_free_ char *key = asprintf_or_null("%s=\"", name);
	const char *at = strstr(s->attributes, key);

	snprintf(buffer, 128, "%.*s", at ? (int)strcspn(at + strlen(key), "\"") : 0,
		 at ? at + strlen(key) : "");
	return buffer;
}

static void append(char **text, const char *format, ...) _printf_(2, 3);
static void append(char **text, const char *format, ...)
{
	char more[256], *longer;
	va_list ap;

	va_start(ap, format);
	vsnprintf(more, sizeof(more), format, ap);
	va_end(ap);
	longer = asprintf_or_null("%s%s", *text ? *text : "", more);
	free(*text);
	*text = longer;
}

static void begin_member(struct members *m, const struct scanner *s, char **member)
{
	char name[128], type[128], access[128];

	ck_assert_uint_lt(m->count, MEMBERS_MAX);
	append(member, "%s %s", s->tag, attribute(s, "name", name));
	if (streq(s->tag, "property"))
		append(member, " %s %s", attribute(s, "type", type),
		       attribute(s, "access", access));
}

static void add_argument(const struct scanner *s, char **member)
{
	char name[128], type[128], direction[128];

	attribute(s, "direction", direction);
	/* The default: of a method in, of a signal out. */
	if (direction[0] == '\0')
		snprintf(direction, sizeof(direction), "%s",
			 strncmp(*member, "signal", 6) == 0 ? "out" : "in");
	append(member, " %s:%s:%s", direction, attribute(s, "type", type),
	       attribute(s, "name", name));
}

static bool is_member(const char *tag)
{
	return streq(tag, "method") || streq(tag, "signal") || streq(tag, "property");
}

static void scan_member(struct scanner *s, struct members *m)
{
	char name[128], value[128], *member = NULL;
	char tag[40];

	snprintf(tag, sizeof(tag), "/%s", s->tag);
	begin_member(m, s, &member);
	while (!s->empty && next_tag(s) && !streq(s->tag, tag)) {
		if (streq(s->tag, "arg"))
			add_argument(s, &member);
		else if (streq(s->tag, "annotation") &&
			 streq(attribute(s, "name", name), CONST_ANNOTATION))
			append(&member, " %s", attribute(s, "value", value));
		s->empty = false;
	}
	m->text[m->count++] = member;
}

static void scan_interface(const char *xml, const char *interface, struct members *m)
{
	struct scanner s = {.at = xml};
	char name[128];
	bool inside = false;

	while (s.at && next_tag(&s)) {
		if (streq(s.tag, "interface"))
			inside = streq(attribute(&s, "name", name), interface);
		else if (streq(s.tag, "/interface"))
			inside = false;
		else if (inside && is_member(s.tag))
			scan_member(&s, m);
	}
}

static bool has(const struct members *m, const char *text)
{
	for (size_t i = 0; i < m->count; i++)
		if (streq(m->text[i], text))
			return true;
	return false;
}

static char *read_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	ck_assert_msg(f != NULL, "cannot read %s: tests run from the top of the tree", path);
	ck_assert_int_gt(getdelim(&text, &room, EOF, f), 0);
	return text;
}

static char *introspect(struct daemon_pair *p, const char *path)
{
	sd_bus_message *reply = NULL;
	const char *xml;
	char error[64], *copy;

	ck_assert_msg(pair_call(p, path, "org.freedesktop.DBus.Introspectable", "Introspect", error,
				&reply, "") == 0,
		      "%s: %s", path, error);
	ck_assert_int_ge(sd_bus_message_read(reply, "s", &xml), 0);
	copy = strdup(xml);
	sd_bus_message_unref(reply);
	return copy;
}

static void compare(struct daemon_pair *p, const char *path, const char *interface)
{
	_cleanup_free_ char *file = asprintf_or_null("daemon/bus/%s.xml", interface);
	_cleanup_free_ char *written = read_file(file), *told = introspect(p, path);
	struct members api = {.count = 0}, object = {.count = 0};

	scan_interface(written, interface, &api);
	scan_interface(told, interface, &object);
	ck_assert_uint_gt(api.count, 4);
	for (size_t i = 0; i < api.count; i++)
		ck_assert_msg(has(&object, api.text[i]), "%s is in %s, but not in the object",
			      api.text[i], file);
	for (size_t i = 0; i < object.count; i++)
		ck_assert_msg(has(&api, object.text[i]), "%s is in the object, but not in %s",
			      object.text[i], file);
	members_clear(&api);
	members_clear(&object);
}

/* A measurement of a moment, so that there is a job and a run to look at. */
static char *measure_dark(struct daemon_pair *p)
{
	sd_bus_message *reply = NULL;
	const char *path;
	char error[64], *job;

	ck_assert_msg(pair_call(p, p->board_path, PAIR_BOARD_INTERFACE, "Measure", error, &reply,
				"a{sv}", 4, "kind", "s", "dark", "detectors", "as", 1, "pd1",
				"points", "t", UINT64_C(10), "analyse", "b", 0) == 0,
		      "Measure: %s", error);
	ck_assert_int_ge(sd_bus_message_read(reply, "o", &path), 0);
	job = strdup(path);
	sd_bus_message_unref(reply);
	return job;
}

START_TEST(objects_are_what_their_xml_says_and_nothing_else)
{
	_cleanup_free_ char *job = NULL;
	struct daemon_pair p;

	daemon_pair_start(&p, NULL, NULL);
	job = measure_dark(&p);
	ck_assert(pair_wait(&p, job, "org.etalon1.Job", "State", "done"));
	compare(&p, "/org/etalon1", "org.etalon1.Manager");
	compare(&p, p.board_path, "org.etalon1.Board");
	compare(&p, job, "org.etalon1.Job");
	compare(&p, "/org/etalon1/run/1", "org.etalon1.Run");
	daemon_pair_stop(&p);
}
END_TEST

START_TEST(the_comparison_itself_sees_a_difference)
{
	static const char xml[] = "<!-- <method name=\"No\"/> --><interface name=\"a.B\">"
				  "<method name=\"M\"><arg name=\"x\" type=\"u\" direction=\"in\"/>"
				  "</method><property name=\"P\" type=\"s\" access=\"read\">"
				  "<annotation name=\"" CONST_ANNOTATION "\" value=\"const\"/>"
				  "</property></interface><interface name=\"c.D\">"
				  "<method name=\"N\"/></interface>";
	struct members m = {.count = 0};

	scan_interface(xml, "a.B", &m);
	ck_assert_uint_eq(m.count, 2);
	ck_assert(has(&m, "method M in:u:x"));
	ck_assert(has(&m, "property P s read const"));
	members_clear(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_introspection");
	TCase *tc = tcase_create("introspection");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_comparison_itself_sees_a_difference);
	tcase_add_test(tc, objects_are_what_their_xml_says_and_nothing_else);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
