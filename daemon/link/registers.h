/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The register-protocol driver: a link over any transport that carries the USB framing of
 * hw.h. Layer: link, above transport.h. Registers and records are known here and nowhere above.
 */
#ifndef ETALON_LINK_REGISTERS_H
#define ETALON_LINK_REGISTERS_H

#include "link/link.h"
#include "link/transport.h"

/*
 * Checks identity and contract version, reads and checks the description; writes nothing before
 * that. Takes the transport over and closes it when this fails: -EPROTO not such a board,
 * -EBADMSG a description that can not be true, both with a message.
 */
int registers_open(struct transport *transport, struct link **ret, char **ret_message);

#endif
