// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the rest of the kernel sees of a board: temperatures and rails in hwmon, auxiliary lines as
 * GPIO with interrupts.
 */
#include <linux/atomic.h>
#include <linux/fcntl.h>
#include <linux/gpio/consumer.h>
#include <linux/gpio/driver.h>
#include <linux/gpio/machine.h>
#include <linux/interrupt.h>

#include "fake_board.h"

#define HWMON_MAX 256 /* numbers are given back late */
#define ZERO_CELSIUS_UK 273150000

static struct fake_board *registered(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);

	fake->live[FAKE_TEMPERATURE].mean_q8 = (ZERO_CELSIUS_UK + 25000000) / FAKE_STEP_UK * 256;
	fake->live[FAKE_RAIL].mean_q8 = 5 * (1000000000 / FAKE_STEP_NV) * 256;
	fake_board_register(fake);
	return fake;
}

/* ---- hwmon ---- */

static struct file *open_sensor(struct fake_board *fake, const char *attribute)
{
	char path[96];
	struct file *file;
	unsigned int i;

	for (i = 0; i < HWMON_MAX; i++) {
		snprintf(path, sizeof(path), "/sys/class/etalon/etalon%d/hwmon%u/%s",
			 fake->board->number, i, attribute);
		file = filp_open(path, O_RDONLY, 0);
		if (!IS_ERR(file))
			return file;
	}
	KUNIT_FAIL_AND_ABORT(fake->test, "no %s", attribute);
	return NULL;
}

/* The first line of the attribute, or how reading it failed. */
static long read_text(struct file *file, char *text, size_t size)
{
	loff_t position = 0;
	ssize_t got = kernel_read(file, text, size - 1, &position);

	if (got < 0)
		return got;
	text[got] = '\0';
	strim(text);
	return 0;
}

static long read_sensor(struct fake_board *fake, const char *attribute, char *text, size_t size)
{
	struct file *file = open_sensor(fake, attribute);
	const long ret = read_text(file, text, size);

	fake_close(file);
	return ret;
}

static void sensors_have_names_and_units(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	char text[64];

	KUNIT_EXPECT_EQ(test, read_sensor(fake, "temp1_input", text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, text, "25000");
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "temp1_label", text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, text, "chip.temperature");
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "in0_input", text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, text, "5000");
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "in0_label", text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, text, "rail.5v");
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "name", text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ(test, text, "etalon");
}

static void a_reading_that_is_invalid_is_none(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	char text[64];

	fake->live[FAKE_TEMPERATURE].flags = ETALON_HW_SAMPLE_INVALID;
	fake->live[FAKE_RAIL].range = 1; /* it has one range, number 0 */
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "temp1_input", text, sizeof(text)), -ENODATA);
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "in0_input", text, sizeof(text)), -ENODATA);
}

static void the_board_is_asked_once_a_second(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	char text[64];
	unsigned int i;

	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, read_sensor(fake, "temp1_input", text, sizeof(text)), 0);
	KUNIT_EXPECT_LE(test, fake->lives, 2); /* on a slow machine a second may pass */
	KUNIT_EXPECT_GE(test, fake->lives, 1);
	fake->board->live_read = jiffies - HZ;
	i = fake->lives;
	KUNIT_EXPECT_EQ(test, read_sensor(fake, "temp1_input", text, sizeof(text)), 0);
	KUNIT_EXPECT_EQ(test, fake->lives, i + 1);
}

static void sensors_of_a_board_asleep_or_gone(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	struct file *sensor = open_sensor(fake, "temp1_input");
	char text[64];

	etalon_board_suspend(fake->board, ETALON_CAUSE_SUSPEND);
	KUNIT_EXPECT_EQ(test, read_text(sensor, text, sizeof(text)), -EAGAIN);
	etalon_board_resume(fake->board);
	KUNIT_EXPECT_EQ(test, read_text(sensor, text, sizeof(text)), 0);
	fake_board_remove(fake);
	KUNIT_EXPECT_EQ(test, read_text(sensor, text, sizeof(text)), -ENODEV);
	fake_close(sensor);
}

/* ---- lines ---- */

static struct gpio_chip *chip_of(struct fake_board *fake)
{
	struct gpio_device *device = gpio_device_find_by_label(dev_name(&fake->board->dev));
	struct gpio_chip *chip;

	KUNIT_ASSERT_NOT_NULL(fake->test, device);
	chip = gpio_device_get_chip(device);
	gpio_device_put(device);
	KUNIT_ASSERT_NOT_NULL(fake->test, chip);
	return chip;
}

static struct gpio_desc *take_line(struct fake_board *fake, unsigned int line,
				   enum gpiod_flags flags)
{
	struct gpio_desc *desc =
		gpiochip_request_own_desc(chip_of(fake), line, "kunit", GPIO_ACTIVE_HIGH, flags);

	KUNIT_ASSERT_FALSE_MSG(fake->test, IS_ERR(desc), "line %u: %pe", line, desc);
	return desc;
}

static void lines_are_set_and_read(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	struct gpio_desc *output = take_line(fake, 1, GPIOD_OUT_HIGH);
	struct gpio_desc *input = take_line(fake, 3, GPIOD_IN);

	KUNIT_EXPECT_EQ(test, fake->aux_outputs, BIT(1));
	KUNIT_EXPECT_EQ(test, fake->aux_directions, BIT(1));
	KUNIT_EXPECT_LT(test, fake->aux_order[0], fake->aux_order[1]); /* level first */
	gpiod_set_value_cansleep(output, 0);
	KUNIT_EXPECT_EQ(test, fake->aux_outputs, 0);
	fake->aux_values = BIT(3);
	KUNIT_EXPECT_EQ(test, gpiod_get_value_cansleep(input), 1);
	fake->aux_values = BIT(2);
	KUNIT_EXPECT_EQ(test, gpiod_get_value_cansleep(input), 0);
	etalon_board_suspend(fake->board, ETALON_CAUSE_SUSPEND);
	KUNIT_EXPECT_EQ(test, gpiod_get_value_cansleep(input), -EAGAIN);
	etalon_board_resume(fake->board);
	gpiochip_free_own_desc(input);
	gpiochip_free_own_desc(output);
}

static irqreturn_t count_edge(int irq, void *data)
{
	atomic_inc(data);
	return IRQ_HANDLED;
}

/* Values and changes as the board tells them; how often the handler ran since the last. */
static int edges_seen(struct fake_board *fake, u32 values, u32 edges, atomic_t *count)
{
	fake->aux_values = values;
	fake->aux_edges = edges;
	etalon_board_aux_event(fake->board);
	return atomic_xchg(count, 0);
}

static void edges_interrupt_who_listens(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	struct gpio_desc *line = take_line(fake, 2, GPIOD_IN);
	const int irq = gpiod_to_irq(line);
	atomic_t count = ATOMIC_INIT(0);
	const u32 bit = BIT(2), other = BIT(0);
	unsigned int gets;

	KUNIT_ASSERT_GT(test, irq, 0);
	gets = fake->aux_gets;
	KUNIT_EXPECT_EQ(test, edges_seen(fake, bit, bit, &count), 0);
	KUNIT_EXPECT_EQ(test, fake->aux_gets, gets); /* nobody listens: it is not asked */
	KUNIT_ASSERT_EQ(test,
			request_threaded_irq(irq, NULL, count_edge,
					     IRQF_TRIGGER_RISING | IRQF_ONESHOT, "kunit", &count),
			0);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, bit, bit, &count), 1);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, 0, bit, &count), 0); /* it fell */
	KUNIT_EXPECT_EQ(test, edges_seen(fake, other | bit, other, &count), 0);
	KUNIT_EXPECT_EQ(test, irq_set_irq_type((unsigned int)irq, IRQ_TYPE_EDGE_BOTH), 0);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, 0, bit, &count), 1);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, bit, bit, &count), 1);
	KUNIT_EXPECT_NE(test, irq_set_irq_type((unsigned int)irq, IRQ_TYPE_LEVEL_HIGH), 0);
	disable_irq((unsigned int)irq);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, bit, bit, &count), 0);
	free_irq((unsigned int)irq, &count);
	gpiochip_free_own_desc(line);
}

static int listen(struct gpio_desc *line, atomic_t *count)
{
	return request_threaded_irq((unsigned int)gpiod_to_irq(line), NULL, count_edge,
				    IRQF_TRIGGER_RISING | IRQF_TRIGGER_FALLING | IRQF_ONESHOT,
				    "kunit", count);
}

/* The board keeps edges until somebody asks; whoever listens already misses none by it. */
static void a_listener_hears_nothing_from_before(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	struct gpio_desc *first = take_line(fake, 3, GPIOD_IN),
			 *line = take_line(fake, 2, GPIOD_IN);
	atomic_t of_first = ATOMIC_INIT(0), count = ATOMIC_INIT(0);

	KUNIT_ASSERT_EQ(test, listen(first, &of_first), 0);
	fake->aux_edges = BIT(2) | BIT(3); /* whose message has not come yet */
	KUNIT_ASSERT_EQ(test, listen(line, &count), 0);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, 0, 0, &count), 0);
	KUNIT_EXPECT_EQ(test, atomic_xchg(&of_first, 0), 1);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, 0, BIT(2), &count), 1);
	free_irq((unsigned int)gpiod_to_irq(line), &count);

	fake->aux_edges = BIT(2);
	etalon_board_suspend(fake->board, ETALON_CAUSE_SUSPEND);
	KUNIT_ASSERT_EQ(test, listen(line, &count), 0); /* it cannot be asked now */
	etalon_board_resume(fake->board);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, 0, 0, &count), 0);
	KUNIT_EXPECT_EQ(test, edges_seen(fake, 0, BIT(2), &count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&of_first), 0);
	free_irq((unsigned int)gpiod_to_irq(line), &count);
	free_irq((unsigned int)gpiod_to_irq(first), &of_first);
	gpiochip_free_own_desc(line);
	gpiochip_free_own_desc(first);
}

/* Messages do not come from a board that sleeps, or is not believed. */
static void edges_without_a_message_are_told_later(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	struct gpio_desc *line = take_line(fake, 2, GPIOD_IN);
	atomic_t count = ATOMIC_INIT(0);

	KUNIT_ASSERT_EQ(test, listen(line, &count), 0);
	etalon_board_suspend(fake->board, ETALON_CAUSE_RESET);
	fake->aux_edges = BIT(2);
	etalon_board_resume(fake->board);
	KUNIT_EXPECT_EQ(test, atomic_xchg(&count, 0), 1);
	fake->progress.state = ETALON_HW_STATE_TRIPPED + 1;
	etalon_board_progress(fake->board);
	fake->progress.state = ETALON_HW_STATE_OFF;
	KUNIT_EXPECT_TRUE(test, fake->board->distrusted);
	fake->aux_edges = BIT(2);
	KUNIT_EXPECT_EQ(test, fake_try_open(fake->board->number, O_RDWR), 0);
	KUNIT_EXPECT_EQ(test, atomic_xchg(&count, 0), 1);
	free_irq((unsigned int)gpiod_to_irq(line), &count);
	gpiochip_free_own_desc(line);
}

/* As after power-on. */
static void forget_lines(struct fake_board *fake)
{
	fake->aux_directions = 0;
	fake->aux_outputs = 0;
	fake->aux_order[0] = 0;
	fake->aux_order[1] = 0;
}

static void outputs_are_outputs_again_after_a_reset(struct kunit *test)
{
	struct fake_board *fake = registered(test);
	struct gpio_desc *low = take_line(fake, 0, GPIOD_OUT_LOW);
	struct gpio_desc *high = take_line(fake, 1, GPIOD_OUT_HIGH);
	struct gpio_desc *input = take_line(fake, 3, GPIOD_OUT_HIGH);

	KUNIT_EXPECT_EQ(test, gpiod_direction_input(input), 0);
	etalon_board_suspend(fake->board, ETALON_CAUSE_RESET);
	forget_lines(fake);
	KUNIT_EXPECT_EQ(test, gpiod_direction_output(low, 1), -EAGAIN); /* and is not done later */
	etalon_board_resume(fake->board);
	KUNIT_EXPECT_EQ(test, fake->aux_outputs, BIT(1));
	KUNIT_EXPECT_EQ(test, fake->aux_directions, BIT(0) | BIT(1));
	KUNIT_EXPECT_LT(test, fake->aux_order[0], fake->aux_order[1]); /* level first */
	KUNIT_EXPECT_EQ(test, gpiod_get_direction(high), GPIO_LINE_DIRECTION_OUT);
	KUNIT_EXPECT_EQ(test, gpiod_get_direction(input), GPIO_LINE_DIRECTION_IN);
	gpiochip_free_own_desc(input);
	gpiochip_free_own_desc(high);
	gpiochip_free_own_desc(low);
}

/* What nobody asked for here is not driven anew. */
static void outputs_of_an_earlier_driver_are_known(struct kunit *test)
{
	struct fake_board *fake = fake_board_create(test);
	struct gpio_desc *line;

	fake->aux_directions = BIT(2);
	fake->aux_outputs = BIT(2);
	fake_board_register(fake);
	line = take_line(fake, 2, GPIOD_ASIS);
	KUNIT_EXPECT_EQ(test, gpiod_get_direction(line), GPIO_LINE_DIRECTION_OUT);
	etalon_board_suspend(fake->board, ETALON_CAUSE_RESET);
	forget_lines(fake);
	etalon_board_resume(fake->board);
	KUNIT_EXPECT_EQ(test, fake->aux_directions, 0);
	KUNIT_EXPECT_EQ(test, gpiod_get_direction(line), GPIO_LINE_DIRECTION_IN);
	gpiochip_free_own_desc(line);
}

static struct kunit_case cases[] = {KUNIT_CASE(sensors_have_names_and_units),
				    KUNIT_CASE(a_reading_that_is_invalid_is_none),
				    KUNIT_CASE(the_board_is_asked_once_a_second),
				    KUNIT_CASE(sensors_of_a_board_asleep_or_gone),
				    KUNIT_CASE(lines_are_set_and_read),
				    KUNIT_CASE(edges_interrupt_who_listens),
				    KUNIT_CASE(a_listener_hears_nothing_from_before),
				    KUNIT_CASE(edges_without_a_message_are_told_later),
				    KUNIT_CASE(outputs_are_outputs_again_after_a_reset),
				    KUNIT_CASE(outputs_of_an_earlier_driver_are_known),
				    {}};

struct kunit_suite etalon_lines_suite = {
	.name = "etalon_lines",
	.test_cases = cases,
};
