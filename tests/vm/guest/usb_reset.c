// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Has the kernel reset the port that a device is plugged into.
 *
 * usage: usb_reset /dev/bus/usb/BUS/DEVICE
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	const int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0 && ioctl(fd, USBDEVFS_RESET) == 0)
		return 0;
	fprintf(stderr, "usb_reset: %s\n", strerror(errno));
	return 1;
}
