// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Truth beside the result. See truth.h.
 */
#include "cli/truth.h"

#include <math.h>

#include "cli/compare.h"
#include "cli/print.h"

int truth_load(struct cli *cli, const char *path, json_t **ret)
{
	json_error_t error;

	if (!path)
		return 0;
	*ret = json_load_file(path, 0, &error);
	if (json_is_object(*ret))
		return 0;
	cli_fail(cli, EXIT_USAGE, "--truth %s: %s", path, *ret ? "not a JSON object" : error.text);
	cli_try(cli, "etalon-emulator --truth 1540 1560 >truth.json");
	return EXIT_USAGE;
}

static void pair_row(struct grid *g, size_t number, const json_t *true_one, const json_t *found)
{
	grid_cell(g, "%zu", number);
	grid_cell(g, "%s", decimals(member_value(true_one, "wavelength_nm"), 4).text);
	if (!found) {
		grid_cell(g, "not found");
		for (int i = 0; i < 4; i++)
			grid_cell(g, "%s", "");
		return;
	}
	grid_cell(g, "%+.2f",
		  (member_value(found, "wavelength_nm") - member_value(true_one, "wavelength_nm")) *
			  1e3);
	grid_cell(g, "%s", decimals(member_value(true_one, "fwhm_pm"), 2).text);
	grid_cell(
		g, "%s",
		uncertain(member_value(found, "fwhm_pm"), member_value(found, "fwhm_random_pm"), 2)
			.text);
	grid_cell(g, "%s", decimals(member_value(true_one, "extinction_db"), 2).text);
	grid_cell(g, "%s",
		  uncertain(member_value(found, "extinction_db"),
			    member_value(found, "extinction_random_db"), 2)
			  .text);
}

static void nothing_known(FILE *to, const json_t *truth)
{
	const char *device = member_text(truth, "device");

	if (streq(device, "file"))
		fprintf(to, "truth: %s of a measured spectrum, no resonances known beforehand\n",
			member_text(truth, "channel"));
	else
		fprintf(to, "truth: %s, no resonances known beforehand\n", device);
}

void truth_report(FILE *to, const json_t *analysis, const json_t *truth)
{
	const json_t *found = member_at(analysis, "values.resonances"),
		     *true_list = member_at(truth, "resonances");
	size_t count = json_array_size(true_list), partners = 0;
	_cleanup_free_ struct shift *shifts = calloc(count + 1, sizeof(*shifts));
	struct grid g;

	if (count == 0 || !shifts) {
		nothing_known(to, truth);
		return;
	}
	match_resonances(true_list, found, shifts);
	grid_begin(&g, "rrrrrrr");
	grid_heading(&g, "#|true nm|found - true pm|true FWHM pm|found|true ER dB|found");
	for (size_t i = 0; i < count; i++) {
		partners += shifts[i].partner >= 0;
		pair_row(&g, i + 1, json_array_get(true_list, i),
			 shifts[i].partner < 0 ? NULL
					       : json_array_get(found, (size_t)shifts[i].partner));
	}
	fprintf(to, "truth of the emulated %s, without aperture, ripple and envelope:\n",
		member_text(truth, "device"));
	grid_print(&g, to, 1);
	if (json_array_size(found) > partners)
		fprintf(to, "found beyond the truth: %zu\n", json_array_size(found) - partners);
}
