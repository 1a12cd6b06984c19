// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which error a refusal is; the sentence is the link's. See refusal.h.
 */
#include "etalond/refusal.h"

#include <errno.h>

int refusal_error(const struct link_refusal *refusal, int error)
{
	switch (refusal->result) {
	case ETALON_HW_REFUSED_LIMIT:
	case ETALON_HW_REFUSED_WATCHDOG:
	case ETALON_HW_REFUSED_TIMING:
	case ETALON_HW_REFUSED_SPEED:
	case ETALON_HW_REFUSED_RATE:
	case ETALON_HW_REFUSED_RESOLUTION:
		return -ERANGE;
	case ETALON_HW_REFUSED_CAUSE:
	case ETALON_HW_REFUSED_EMISSION:
	case ETALON_HW_REFUSED_LIMITS_UNWRITTEN:
		return -EACCES;
	case ETALON_HW_REFUSED_STATE:
		return -EBUSY;
	case ETALON_HW_REFUSED_MODE:
		return -EOPNOTSUPP;
	case ETALON_HW_REFUSED_CHANNEL:
		return -ECHRNG;
	case ETALON_HW_REFUSED_PROGRAM:
	case ETALON_HW_REFUSED_LIST:
	case ETALON_HW_REFUSED_UPLOAD:
		return -EINVAL;
	default:
		return error;
	}
}
