// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Taking over a terminal. See screen.h.
 */
#include "cli/screen.h"

#include <errno.h>
#include <sys/epoll.h>

#include "cli/print.h"

/* Alternate screen, no cursor, lines cut at the edge instead of wrapped. */
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[?7l";
static const char leave[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/* Also on the way out by a second Ctrl-C: write() and tcsetattr() only. */
static void restore(void *userdata)
{
	struct screen *s = userdata;

	if (write(STDOUT_FILENO, leave, sizeof(leave) - 1) < 0)
		return; /* the terminal is gone */
	tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
}

static int on_keys(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct screen *s = userdata;
	char buffer[64];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	(void)revents;
	if (n <= 0)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (buffer[0] == '\x1b') /* an arrow or a function key: none of ours */
		return 0;
	for (ssize_t i = 0; i < n && s->count < sizeof(s->pressed); i++)
		s->pressed[s->count++] = buffer[i];
	return 0;
}

int screen_open(struct screen *s, struct cli *cli)
{
	struct termios raw;
	int r;

	*s = (struct screen){.cli = cli};
	if (tcgetattr(STDIN_FILENO, &s->before) < 0)
		return -errno;
	r = sd_event_add_io(cli->event, &s->keys, STDIN_FILENO, EPOLLIN, on_keys, s);
	if (r < 0)
		return r;
	raw = s->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs(enter, cli->out);
	fflush(cli->out);
	cli->before_exit = restore;
	cli->exit_userdata = s;
	return 0;
}

void screen_close(struct screen *s)
{
	if (!s->cli)
		return;
	s->keys = sd_event_source_disable_unref(s->keys);
	s->cli->before_exit = NULL;
	if (s->to)
		fclose(s->to);
	free(s->frame);
	restore(s);
	*s = (struct screen){0};
}

char screen_key(struct screen *s)
{
	char key;

	if (s->count == 0)
		return 0;
	key = s->pressed[0];
	memmove(s->pressed, s->pressed + 1, --s->count);
	return key;
}

int screen_begin(struct screen *s)
{
	s->to = open_memstream(&s->frame, &s->frame_size);
	return s->to ? 0 : -ENOMEM;
}

/* One write for a whole frame, each line cleared behind its end: nothing flickers. */
void screen_show(struct screen *s)
{
	unsigned int rows = terminal_height(s->cli->out), row = 0;
	char *line, *rest;

	fclose(s->to);
	s->to = NULL;
	rest = s->frame;
	fputs("\x1b[H", s->cli->out);
	while (row + 1 < rows && (line = strsep(&rest, "\n")) && (*line || rest)) {
		fprintf(s->cli->out, "%s\x1b[K\r\n", line);
		row++;
	}
	fputs("\x1b[J", s->cli->out);
	fflush(s->cli->out);
	free(s->frame);
	s->frame = NULL;
}

/* ---- large digits ---- */

static const char glyphs[] = "0123456789-.+";
static const char *const shapes[][DIGIT_ROWS] = {
	{"####", "#  #", "#  #", "#  #", "####"}, {"  # ", " ## ", "  # ", "  # ", " ###"},
	{"####", "   #", "####", "#   ", "####"}, {"####", "   #", " ###", "   #", "####"},
	{"#  #", "#  #", "####", "   #", "   #"}, {"####", "#   ", "####", "   #", "####"},
	{"####", "#   ", "####", "#  #", "####"}, {"####", "   #", "  # ", " #  ", " #  "},
	{"####", "#  #", "####", "#  #", "####"}, {"####", "#  #", "####", "   #", "####"},
	{"    ", "    ", " ###", "    ", "    "}, {" ", " ", " ", " ", "#"},
	{"    ", "  # ", " ###", "  # ", "    "},
};

static const char *shape(char c, int row)
{
	const char *at = strchr(glyphs, c);

	return c && at ? shapes[at - glyphs][row] : "    ";
}

size_t large_width(const char *number)
{
	size_t width = 0;

	for (; *number; number++)
		width += strlen(shape(*number, 0)) + 1;
	return width;
}

void large_digits(FILE *to, const char *number, int row, bool utf8)
{
	for (; *number; number++) {
		for (const char *p = shape(*number, row); *p; p++)
			fputs(*p == ' ' ? " " : utf8 ? "\xe2\x96\x88" : "#", to);
		fputc(' ', to);
	}
}
