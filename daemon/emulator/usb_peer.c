// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Between a socket and libusbredirparser. See usb_peer.h.
 */
#include "emulator/usb_peer.h"

#include <ctype.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "emulator/usb_front_internal.h"

#define MESSAGES_PER_TURN 1024
#define BYTES_PER_TURN (4U << 20)
#define UNSENT_HIGH (1U << 20)

void usb_peer_end(struct usb_peer *p, const char *reason)
{
	if (!p->ended)
		snprintf(p->reason, sizeof(p->reason), "%s", reason);
	p->ended = true;
}

/* ---- what the library asks for ---- */

/* Its words go to a log of JSON lines; what it puts in front is of no use there. */
static void on_log(void *priv, int level, const char *message)
{
	static const char prefix[] = "usbredirparser: error ";
	struct usb_peer *p = priv;
	char text[sizeof(p->reason)];
	size_t i = 0;

	if (level > usbredirparser_error)
		return;
	if (strncmp(message, prefix, strlen(prefix)) == 0)
		message += strlen(prefix);
	for (; i < sizeof(text) - 1 && message[i]; i++)
		text[i] = isprint((unsigned char)message[i]) && !strchr("\"\\", message[i])
				  ? message[i]
				  : '_';
	text[i] = '\0';
	usb_peer_end(p, text);
}

static int on_read(void *priv, uint8_t *data, int count)
{
	struct usb_peer *p = priv;
	ssize_t n;

	if (p->ended)
		return -1;
	if (!p->messages_left || !p->bytes_left || usb_peer_full(p)) {
		p->more = true;
		return 0;
	}
	do {
		n = recv(p->fd, data, MIN((size_t)count, (size_t)p->bytes_left), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		usb_peer_end(p, "");
		return -1;
	}
	p->bytes_left -= (unsigned int)n;
	return (int)n;
}

static int on_write(void *priv, uint8_t *data, int count)
{
	struct usb_peer *p = priv;
	ssize_t n;

	do {
		n = send(p->fd, data, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0) {
		usb_peer_end(p, "");
		return -1;
	}
	return (int)n;
}

/* ---- life ---- */

int usb_peer_open(struct usb_peer *p, int fd, struct usb_front *front)
{
	uint32_t caps[USB_REDIR_CAPS_SIZE] = {0};

	*p = (struct usb_peer){.fd = fd, .front = front, .parser = usbredirparser_create()};
	if (!p->parser) {
		usb_peer_close(p);
		return -ENOMEM;
	}
	p->parser->priv = p;
	p->parser->log_func = on_log;
	p->parser->read_func = on_read;
	p->parser->write_func = on_write;
	usb_commands_install(p->parser);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_connect_device_version);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_ep_info_max_packet_size);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_64bits_ids);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_32bits_bulk_length);
	usbredirparser_init(p->parser, "etalon-emulator " ETALON_VERSION, caps, USB_REDIR_CAPS_SIZE,
			    usbredirparser_fl_usb_host);
	return 0;
}

void usb_peer_close(struct usb_peer *p)
{
	if (p->parser)
		usbredirparser_destroy(p->parser);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct usb_peer){.fd = -1};
}

/* ---- messages ---- */

void usb_peer_receive(struct usb_peer *p)
{
	p->messages_left = MESSAGES_PER_TURN;
	p->bytes_left = BYTES_PER_TURN;
	p->more = false;
	if (usbredirparser_do_read(p->parser) == usbredirparser_read_parse_error)
		usb_peer_end(p, "a message that cannot be");
}

void usb_peer_flush(struct usb_peer *p)
{
	/* What it returns says no more than on_write() has seen. */
	if (!p->ended && usb_peer_unsent(p))
		usbredirparser_do_write(p->parser);
}

bool usb_peer_full(const struct usb_peer *p)
{
	return usbredirparser_get_bufferered_output_size(p->parser) >= UNSENT_HIGH;
}

bool usb_peer_unsent(const struct usb_peer *p)
{
	return usbredirparser_has_data_to_write(p->parser) > 0;
}
