// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which bus error an errno is. See error.h; the sentences come with the errno.
 */
#include "bus/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define PREFIX "org.etalon1.Error."

static const struct {
	int error;
	const char *name;
} names[] = {
	{EINVAL, "InvalidArgument"}, {EBADMSG, "InvalidArgument"},
	{ERANGE, "OutOfRange"},	     {ECHRNG, "NoSuchChannel"},
	{ENODATA, "NoData"},	     {EPERM, "NotAllowed"},
	{EACCES, "Interlock"},	     {ENOLCK, "LeaseRequired"},
	{EUSERS, "LeaseHeld"},	     {EBUSY, "Busy"},
	{ENODEV, "BoardGone"},	     {EOPNOTSUPP, "NotSupported"},
	{ENOSPC, "NoSpace"},	     {EDQUOT, "NoSpace"},
	{EUCLEAN, "StoreDamaged"},   {EIO, "StoreFailed"},
	{EROFS, "StoreFailed"},	     {ECANCELED, "Cancelled"},
	{ETIMEDOUT, "BoardGone"},    {EPROTO, "ContractBroken"},
	{ENOBUFS, "Overflow"},	     {ETIME, "NotSettled"},
};

const char *bus_error_name(int error, const char *missing, char buffer[64])
{
	const char *name = "Failed";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].error == -error)
			name = names[i].name;
	if (error == -ENOENT && missing)
		name = missing;
	snprintf(buffer, 64, PREFIX "%s", name);
	return buffer;
}

int bus_error_set(sd_bus_error *ret, int error, const char *message, const char *missing)
{
	char name[64];

	bus_error_name(error, missing, name);
	sd_bus_error_set(ret, name, message && message[0] ? message : strerror(-error));
	return error < 0 ? error : -EINVAL;
}

int bus_reply_error(sd_bus_message *call, int error, const char *message, const char *missing)
{
	char name[64];

	return sd_bus_reply_method_errorf(call, bus_error_name(error, missing, name), "%s",
					  message && message[0] ? message : strerror(-error));
}
