/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one reading of a stored run may take, besides the size of its frame (frame.h): known to who
 * reads and to who plans. Layer: data.
 */
#ifndef ETALON_DATA_READ_LIMITS_H
#define ETALON_DATA_READ_LIMITS_H

/* Of records looked at in one call, also for averages: bounds its time. */
#define READ_SCAN_MAX_BYTES (2ULL << 30)
#define READ_COLUMN_ALIGN_BYTES 64U /* of every column in a frame, at most */

#endif
