/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Giving up rights before numbers of unknown origin are worked on. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_SANDBOX_H
#define ETALON_ANALYSE_SANDBOX_H

/*
 * From here on the process, with all its threads, can compute, allocate, read and write the descriptors that are open
 * (0 to 2 and `keep_fd`, if not negative; all others are closed) and end. No file, socket, process or
 * further right can be had; processor time and memory are limited. 0 or negative errno.
 */
int sandbox_enter(int keep_fd);

#endif
