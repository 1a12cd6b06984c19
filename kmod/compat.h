/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where kernels differ: the newest form of each interface, on all of them. The one place
 * that knows; what a kernel has is asked by features.sh.
 */
#ifndef ETALON_COMPAT_H
#define ETALON_COMPAT_H

#include <linux/device/class.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "kernel_features.h"

static inline void etalon_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if ETALON_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/* A macro: the older form keeps a lock's class where it is written. */
#if ETALON_HAVE_CLASS_CREATE_NAME
#define etalon_class_create(name) class_create(name)
#else
#define etalon_class_create(name) class_create(THIS_MODULE, name)
#endif

static inline void etalon_vm_flags(struct vm_area_struct *vma, unsigned long set,
				   unsigned long clear)
{
#if ETALON_HAVE_VM_FLAGS_SET
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/* What gpio_chip.set returns: setting a line may fail, but not every kernel wants to know. */
#if ETALON_HAVE_GPIO_SET_INT
#define ETALON_GPIO_SET_TYPE int
#define ETALON_GPIO_SET_RESULT(result) (result)
#else
#define ETALON_GPIO_SET_TYPE void
#define ETALON_GPIO_SET_RESULT(result) ((void)(result))
#endif

/* What a driver of USB is told when the machine goes down: before 6.9 as one of any bus. */
#if ETALON_HAVE_USB_SHUTDOWN
#define ETALON_USB_SHUTDOWN shutdown
#define etalon_usb_shutdown_arg struct usb_interface
#define etalon_usb_shutdown_interface(arg) (arg)
#else
#if ETALON_HAVE_USB_DRVWRAP
#define ETALON_USB_SHUTDOWN drvwrap.driver.shutdown
#else
#define ETALON_USB_SHUTDOWN driver.shutdown
#endif
#define etalon_usb_shutdown_arg struct device
#define etalon_usb_shutdown_interface(arg) to_usb_interface(arg)
#endif

#endif
