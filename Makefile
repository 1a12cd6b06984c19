# SPDX-License-Identifier: GPL-3.0-or-later
#
# make            build everything into build/
# make demo       the main job on the emulated board, from a fresh machine (see README.md)
# make check      every test, from a fresh machine
# make check-deep the long counts
# make bench      every speed and memory claim against its limit
# make install    programs and what tells the system about them, below DESTDIR; see README.md
#
# A folder of daemon/ is one archive; a program is a folder with a main.c. SAN=1 builds
# the same with AddressSanitizer and UndefinedBehaviorSanitizer into build-asan/.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SECONDARY:

SAN ?=
BUILD ?= build$(if $(SAN),-asan)
CC ?= gcc
PKG_CONFIG ?= pkg-config

VERSION := $(shell cat VERSION)

FOLDERS := bus etalond store calibrate measure link cli emulator analyse export data base
PROGRAMS := etalond etalonctl etalon-emulator etalon-analyse
FOLDER_etalond := etalond
FOLDER_etalonctl := cli
FOLDER_etalon-emulator := emulator
FOLDER_etalon-analyse := analyse

PACKAGES_all := libsystemd sqlite3 gsl hdf5 yaml-0.1 libcyaml jansson cairo-svg libgpiod \
	libusbredirparser-0.5
PACKAGES_etalond := libsystemd sqlite3 libcyaml jansson libgpiod
PACKAGES_etalonctl := libsystemd yaml-0.1 hdf5 cairo-svg jansson
PACKAGES_etalon-emulator := yaml-0.1 jansson hdf5 libusbredirparser-0.5
PACKAGES_etalon-analyse := gsl yaml-0.1 hdf5 jansson

ARCHIVES_etalond := etalond bus etalond measure calibrate store link data base
ARCHIVES_etalonctl := cli export data base
ARCHIVES_etalon-emulator := emulator export data base
ARCHIVES_etalon-analyse := analyse export data base

WARNINGS := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wpointer-arith -Wcast-qual -Wvla -Werror=implicit-function-declaration
comma := ,
SAN_FLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
CFLAGS ?= -O2 -g
CPPFLAGS += -Idaemon -Ikmod -Itests/common -D_GNU_SOURCE -DETALON_VERSION='"$(VERSION)"'
ALL_CFLAGS = -std=gnu11 -pthread -fvisibility=hidden -ffp-contract=off $(WARNINGS) $(SAN_FLAGS) $(CFLAGS)
LDLIBS_common := -pthread -lm
JOBS ?= $(shell nproc)

# Evaluated only when something is compiled, after the set-up had its chance.
package_cflags = $(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags $(PACKAGES_all)))
package_libs = $(shell $(PKG_CONFIG) --libs $(1))

.PHONY: all clean demo check check-deep bench install
all: $(addprefix $(BUILD)/,$(PROGRAMS))

sources = $(filter-out daemon/$(1)/main.c,$(wildcard daemon/$(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
archives = $(foreach a,$(1),$(BUILD)/lib$(a).a)

$(BUILD)/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(CPPFLAGS) $(package_cflags) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(BUILD)/lib$(1).a: $(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@$$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

define program_rule
$(BUILD)/$(1): $(BUILD)/daemon/$(FOLDER_$(1))/main.o $(call archives,$(sort $(ARCHIVES_$(1))))
	@echo "  LD      $$@"
	@$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(call package_libs,$$(PACKAGES_$(1))) $$(LDLIBS_common)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))

# ---- the pure parts of the driver, for tests: the same code with headers that stand in for the kernel's ----
KMOD_PURE := ring sequencer description intake
KMOD_OBJECTS := $(KMOD_PURE:%=$(BUILD)/kmod/%.o)

$(BUILD)/kmod/%.o: kmod/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) -Itests/common/kernel -Ikmod -std=gnu11 -Wall -Wextra -Wno-sign-compare $(SAN_FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libkmod.a: $(KMOD_OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^

# ---- tests: every tests/<level>/test_*.c is one program that links all archives ----
TEST_SOURCES := $(wildcard $(foreach l,unit bus fuzz system,tests/$(l)/test_*.c) tests/bench/bench_*.c)
TEST_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))
TEST_HELPERS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/common/*.c))

$(BUILD)/libtests.a: $(TEST_HELPERS)
	@rm -f $@
	@$(AR) rcs $@ $^

.PHONY: tests
tests: $(TEST_PROGRAMS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libtests.a $(BUILD)/libkmod.a $(call archives,$(FOLDERS))
	@echo "  LD      $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call package_libs,$(PACKAGES_all) check) $(LDLIBS_common)

# Tools of the virtual-machine tests: they need neither Check nor the tests' helpers.
.PHONY: vm-tools
vm-tools: $(patsubst %.c,$(BUILD)/%,$(wildcard tests/vm/*.c))

$(BUILD)/tests/vm/%: $(BUILD)/tests/vm/%.o $(call archives,$(FOLDERS))
	@echo "  LD      $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call package_libs,$(PACKAGES_all)) $(LDLIBS_common)

# ---- the two commands for a fresh machine, and their kin: each does its own set-up ----
.PHONY: setup-build setup-test
setup-build:
	@tests/setup.sh build
setup-test:
	@tests/setup.sh test

demo: setup-build
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@DUT='$(DUT)' CHANNEL='$(CHANNEL)' BUILD='$(BUILD)' tests/demo.sh

check: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=1 all tests
	@tests/check.sh

check-deep: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=1 all tests
	@ETALON_DEEP=1 RUN_TIMEOUT=14400 tests/check.sh

bench: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@tests/bench/run.sh

# ---- where a package would put it; the driver has its own: make -C kmod dkms-source ----
LIBEXEC := $(DESTDIR)/usr/libexec/etalon
install: all
	install -D -t "$(DESTDIR)/usr/bin" $(BUILD)/etalonctl $(BUILD)/etalon-emulator
	install -D -t "$(LIBEXEC)" $(BUILD)/etalond $(BUILD)/etalon-analyse
	install -D -m 644 -t "$(DESTDIR)/usr/lib/udev/rules.d" udev/70-etalon.rules
	install -D -m 644 -t "$(DESTDIR)/usr/lib/udev/hwdb.d" udev/70-etalon.hwdb
	install -D -m 644 daemon/system/etalon.sysusers "$(DESTDIR)/usr/lib/sysusers.d/etalon.conf"
	install -D -m 644 -t "$(DESTDIR)/usr/lib/systemd/system" daemon/system/etalond.service
	install -D -m 644 -t "$(DESTDIR)/usr/share/dbus-1/system.d" daemon/system/org.etalon1.conf
	install -D -m 644 -t "$(DESTDIR)/usr/share/doc/etalon" daemon/system/etalond.conf.example

clean:
	rm -rf build build-asan demo-output

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
