// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tables: what a new one holds, what a column may be called, what equal means.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "data/table.h"

#include "run_suite.h" /* last: it defines a macro fail() */

START_TEST(a_new_table_is_zeroed_and_has_an_empty_description)
{
	_cleanup_table_ struct table *t = table_new(3, 2);

	ck_assert_ptr_nonnull(t);
	ck_assert(json_is_object(t->meta));
	ck_assert_uint_eq(json_object_size(t->meta), 0);
	ck_assert_int_eq(table_set_column(t, 0, "wavelength", "nm", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 1, "flags", "", COLUMN_U32), 0);
	for (size_t i = 0; i < t->rows; i++) {
		ck_assert(t->columns[0].f64[i] == 0.0);
		ck_assert_uint_eq(t->columns[1].u32[i], 0);
	}
}
END_TEST

START_TEST(a_table_may_be_empty)
{
	_cleanup_table_ struct table *none = table_new(0, 0);
	_cleanup_table_ struct table *no_rows = table_new(0, 1);

	ck_assert_ptr_nonnull(none);
	ck_assert_int_eq(table_set_column(no_rows, 0, "a", "W", COLUMN_F64), 0);
	ck_assert_ptr_null(table_find(none, "a"));
	ck_assert_ptr_nonnull(table_find(no_rows, "a"));
}
END_TEST

START_TEST(a_column_is_refused_instead_of_cut)
{
	_cleanup_table_ struct table *t = table_new(1, 1);
	char name[TABLE_NAME_MAX + 1] = "", unit[TABLE_UNIT_MAX + 1] = "";

	memset(name, 'n', TABLE_NAME_MAX);
	memset(unit, 'u', TABLE_UNIT_MAX);
	ck_assert_int_eq(table_set_column(t, 0, name, "", COLUMN_F64), -E2BIG);
	ck_assert_int_eq(table_set_column(t, 0, "a", unit, COLUMN_F64), -E2BIG);
	name[TABLE_NAME_MAX - 1] = '\0';
	unit[TABLE_UNIT_MAX - 1] = '\0';
	ck_assert_int_eq(table_set_column(t, 0, name, unit, COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 1, "a", "", COLUMN_F64), -EINVAL);
	ck_assert_int_eq(table_set_column(t, 0, "a", "", (enum column_type)3), -EINVAL);
}
END_TEST

START_TEST(a_column_may_be_set_again_with_another_type)
{
	_cleanup_table_ struct table *t = table_new(4, 1);

	ck_assert_int_eq(table_set_column(t, 0, "a", "W", COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 0, "b", "", COLUMN_U32), 0);
	ck_assert_ptr_null(table_find(t, "a"));
	ck_assert_int_eq(table_find(t, "b")->type, COLUMN_U32);
}
END_TEST

START_TEST(more_rows_than_memory_is_an_error_not_a_crash)
{
	_cleanup_table_ struct table *t = table_new(SIZE_MAX / 4, 1);

	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(table_set_column(t, 0, "a", "W", COLUMN_F64), -ENOMEM);
}
END_TEST

static struct table *sample(const char *name, const char *unit, double value, uint32_t flag)
{
	struct table *t = table_new(2, 2);

	ck_assert_int_eq(table_set_column(t, 0, name, unit, COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 1, "flags", "", COLUMN_U32), 0);
	t->columns[0].f64[1] = value;
	t->columns[1].u32[1] = flag;
	return t;
}

static const struct {
	const char *name, *unit;
	double value;
	uint32_t flag;
	bool equal;
} comparisons[] = {
	{"a", "W", NAN, 1, true}, /* a missing value equals a missing value */
	{"b", "W", NAN, 1, false}, {"a", "A", NAN, 1, false},
	{"a", "W", 1.0, 1, false}, {"a", "W", NAN, 2, false},
};

START_TEST(equal_means_names_units_and_data)
{
	_cleanup_table_ struct table *a = sample("a", "W", NAN, 1);
	_cleanup_table_ struct table *b = sample(comparisons[_i].name, comparisons[_i].unit,
						 comparisons[_i].value, comparisons[_i].flag);

	ck_assert_int_eq(table_columns_equal(a, b), comparisons[_i].equal);
	b->rows = 1;
	ck_assert(!table_columns_equal(a, b));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");

	tcase_add_test(tc, a_new_table_is_zeroed_and_has_an_empty_description);
	tcase_add_test(tc, a_table_may_be_empty);
	tcase_add_test(tc, a_column_is_refused_instead_of_cut);
	tcase_add_test(tc, a_column_may_be_set_again_with_another_type);
	tcase_add_test(tc, more_rows_than_memory_is_an_error_not_a_crash);
	tcase_add_loop_test(tc, equal_means_names_units_and_data, 0,
			    (int)(sizeof(comparisons) / sizeof(comparisons[0])));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
