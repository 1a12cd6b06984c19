// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The SVG file around svg_draw(). Layer: export.
 */
#include "export/svg.h"

#include <cairo-svg.h>
#include <errno.h>

#include "base/util.h"

#ifdef __SANITIZE_ADDRESS__
/* What fontconfig keeps until the process ends, it keeps behind pointers of its own making. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig\n";
}
#endif

struct output {
	FILE *stream;
	int error;
};

static cairo_status_t write_some(void *closure, const unsigned char *data, unsigned int size)
{
	struct output *out = closure;

	errno = 0;
	if (fwrite(data, 1, size, out->stream) == size)
		return CAIRO_STATUS_SUCCESS;
	out->error = errno ? -errno : -EIO;
	return CAIRO_STATUS_WRITE_ERROR;
}

int svg_write(FILE *stream, const struct table *table, const struct plot_options *options,
	      char **ret_message)
{
	struct output out = {.stream = stream};
	cairo_status_t status;
	cairo_surface_t *surface;
	cairo_t *cr;
	int r;

	surface = cairo_svg_surface_create_for_stream(write_some, &out, SVG_WIDTH, SVG_HEIGHT);
	cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
	cr = cairo_create(surface);
	r = svg_draw(cr, table, options, ret_message);
	cairo_destroy(cr);
	cairo_surface_finish(surface);
	status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (r < 0)
		return r;
	if (out.error < 0)
		return out.error;
	if (status == CAIRO_STATUS_NO_MEMORY)
		return -ENOMEM;
	return status == CAIRO_STATUS_SUCCESS
		       ? 0
		       : fail(ret_message, -EIO, "the picture cannot be drawn: %s",
			      cairo_status_to_string(status));
}
