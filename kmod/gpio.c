// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Auxiliary lines as a gpio_chip, with interrupts on edges. Interlock, key, enable, indicator and
 * heartbeat are none of them. Lines are found by name: "<serial>.aux0", ...
 *
 * A board that was reset has inputs alone. Before anybody can use it again the outputs that were
 * asked for here are what they were, the level first: nobody is told of the reset, and no line ever
 * has another level than the one that was asked for.
 */
#include <linux/gpio/driver.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "etalon.h"

#define LINES_MAX 32
#define NAME_BYTES (ETALON_HW_NAME_MAX + 16)

struct etalon_gpio {
	struct gpio_chip chip;
	struct etalon_board *board;
	const char *names[LINES_MAX];
	char name[LINES_MAX][NAME_BYTES];
	/* board->lock */
	u32 outputs;
	u32 asked; /* for here: all but what an earlier driver left */
	u32 levels; /* of those */
	u32 kept; /* edges that were read and are still to be told */
	/* lines that interrupt; each bit under its line's own irq lock */
	unsigned long rising;
	unsigned long falling;
	unsigned long enabled;
	atomic_t stale; /* enabled since edges were last read: those are older than the listener */
};

/* ---- lines ---- */

static int enter(struct etalon_board *board)
{
	int ret;

	mutex_lock(&board->lock);
	ret = etalon_board_present(board);
	if (ret)
		mutex_unlock(&board->lock);
	return ret;
}

static int leave(struct etalon_board *board, int ret)
{
	ret = etalon_board_result(board, ret);
	mutex_unlock(&board->lock);
	return ret;
}

static int set_direction(struct gpio_chip *chip, unsigned int line, bool output)
{
	struct etalon_gpio *gpio = gpiochip_get_data(chip);
	struct etalon_board *board = gpio->board;
	const u32 outputs = output ? BIT(line) : 0;
	int ret = enter(board);

	if (ret)
		return ret;
	ret = board->ops->aux_direction(board, BIT(line), outputs);
	if (!ret) {
		WRITE_ONCE(gpio->outputs, (gpio->outputs & ~BIT(line)) | outputs);
		gpio->asked = (gpio->asked & ~BIT(line)) | outputs;
	}
	return leave(board, ret);
}

static int set_value(struct gpio_chip *chip, unsigned int line, int value)
{
	struct etalon_gpio *gpio = gpiochip_get_data(chip);
	struct etalon_board *board = gpio->board;
	const u32 levels = value ? BIT(line) : 0;
	int ret = enter(board);

	if (ret)
		return ret;
	ret = board->ops->aux_set(board, BIT(line), levels);
	if (!ret) {
		gpio->levels = (gpio->levels & ~BIT(line)) | levels;
		gpio->asked |= gpio->outputs & BIT(line);
	}
	return leave(board, ret);
}

/* Also of lines that nobody holds. */
static int gpio_get_direction(struct gpio_chip *chip, unsigned int line)
{
	struct etalon_gpio *gpio = gpiochip_get_data(chip);

	return READ_ONCE(gpio->outputs) & BIT(line) ? GPIO_LINE_DIRECTION_OUT
						    : GPIO_LINE_DIRECTION_IN;
}

static int gpio_direction_input(struct gpio_chip *chip, unsigned int line)
{
	return set_direction(chip, line, false);
}

static int gpio_direction_output(struct gpio_chip *chip, unsigned int line, int value)
{
	/* The level first, so that the line does not jump. */
	return set_value(chip, line, value) ?: set_direction(chip, line, true);
}

static ETALON_GPIO_SET_TYPE gpio_set(struct gpio_chip *chip, unsigned int line, int value)
{
	return ETALON_GPIO_SET_RESULT(set_value(chip, line, value));
}

static int gpio_get(struct gpio_chip *chip, unsigned int line)
{
	struct etalon_gpio *gpio = gpiochip_get_data(chip);
	struct etalon_board *board = gpio->board;
	u32 values = 0;
	int ret = enter(board);

	if (ret)
		return ret;
	ret = leave(board, board->ops->aux_get(board, &values, NULL));
	return ret ?: !!(values & BIT(line));
}

/* ---- edges ---- */

static void irq_mask(struct irq_data *d)
{
	struct gpio_chip *chip = irq_data_get_irq_chip_data(d);
	struct etalon_gpio *gpio = gpiochip_get_data(chip);

	clear_bit(irqd_to_hwirq(d), &gpio->enabled);
	gpiochip_disable_irq(chip, irqd_to_hwirq(d));
}

static void irq_unmask(struct irq_data *d)
{
	struct gpio_chip *chip = irq_data_get_irq_chip_data(d);
	struct etalon_gpio *gpio = gpiochip_get_data(chip);

	gpiochip_enable_irq(chip, irqd_to_hwirq(d));
	atomic_or(BIT(irqd_to_hwirq(d)), &gpio->stale);
	smp_mb__after_atomic(); /* who sees that it is enabled sees that, too: read_edges() */
	set_bit(irqd_to_hwirq(d), &gpio->enabled);
}

static int irq_set_type(struct irq_data *d, unsigned int type)
{
	struct etalon_gpio *gpio = gpiochip_get_data(irq_data_get_irq_chip_data(d));
	const unsigned int line = irqd_to_hwirq(d);

	if (type & ~IRQ_TYPE_EDGE_BOTH)
		return -EINVAL;
	assign_bit(line, &gpio->rising, type & IRQ_TYPE_EDGE_RISING);
	assign_bit(line, &gpio->falling, type & IRQ_TYPE_EDGE_FALLING);
	return 0;
}

/*
 * Under board->lock. Who listens to a line hears of edges from then on; those of the others are
 * kept for their handlers.
 */
static int read_edges(struct etalon_gpio *gpio, u32 *ret_values)
{
	/* First: a line that is seen here is in `stale`, or edges were read since. */
	const u32 enabled = READ_ONCE(gpio->enabled);
	const u32 stale = atomic_xchg(&gpio->stale, 0);
	u32 edges = 0;
	int ret = gpio->board->ops->aux_get(gpio->board, ret_values, &edges);

	if (ret)
		atomic_or(stale, &gpio->stale);
	else
		gpio->kept = (gpio->kept | (edges & enabled)) & ~stale;
	return ret;
}

static void irq_bus_sync_unlock(struct irq_data *d)
{
	struct etalon_gpio *gpio = gpiochip_get_data(irq_data_get_irq_chip_data(d));
	u32 values;

	if (atomic_read(&gpio->stale) && !enter(gpio->board))
		leave(gpio->board, read_edges(gpio, &values));
}

static const struct irq_chip gpio_irq_chip = {
	.name = "etalon-aux",
	.irq_mask = irq_mask,
	.irq_unmask = irq_unmask,
	.irq_set_type = irq_set_type,
	.irq_bus_sync_unlock = irq_bus_sync_unlock,
	.flags = IRQCHIP_IMMUTABLE,
	GPIOCHIP_IRQ_RESOURCE_HELPERS,
};

/*
 * The board tells lines that changed and where they are now, not how often: a line that is high
 * has risen, one that is low has fallen.
 */
static unsigned long lines_due(struct etalon_gpio *gpio)
{
	struct etalon_board *board = gpio->board;
	u32 values = 0, edges = 0;
	int ret;

	if (!READ_ONCE(gpio->enabled)) /* nobody listens: no access */
		return 0;
	if (enter(board))
		return 0;
	ret = read_edges(gpio, &values);
	if (!ret) {
		edges = gpio->kept;
		gpio->kept = 0;
	}
	if (leave(board, ret))
		return 0;
	return edges & READ_ONCE(gpio->enabled) &
	       ((values & READ_ONCE(gpio->rising)) | (~values & READ_ONCE(gpio->falling)));
}

void etalon_gpio_edges(struct etalon_board *board)
{
	struct etalon_gpio *gpio;
	unsigned long due;
	unsigned int line;

	mutex_lock(&board->gpio_lock);
	gpio = board->gpio;
	due = gpio ? lines_due(gpio) : 0;
	for_each_set_bit(line, &due, LINES_MAX)
		handle_nested_irq(irq_find_mapping(gpio->chip.irq.domain, line));
	mutex_unlock(&board->gpio_lock);
}

/* ---- what was before ---- */

static u32 lines_of(const struct etalon_gpio *gpio)
{
	return GENMASK(gpio->board->description.head->aux_lines - 1, 0);
}

/* An earlier driver may have left some. */
static void find_outputs(struct etalon_gpio *gpio)
{
	struct etalon_board *board = gpio->board;
	u32 outputs = 0;

	if (!enter(board) && !leave(board, board->ops->aux_outputs(board, &outputs)))
		gpio->outputs = outputs & lines_of(gpio);
}

void etalon_gpio_restore(struct etalon_board *board)
{
	struct etalon_gpio *gpio = board->gpio;
	int ret;

	if (!gpio || !gpio->outputs)
		return;
	WRITE_ONCE(gpio->outputs, gpio->asked);
	ret = board->ops->aux_set(board, gpio->outputs, gpio->levels & gpio->outputs);
	if (!ret)
		ret = board->ops->aux_direction(board, lines_of(gpio), gpio->outputs);
	/* They are restored with the next reset, which follows where the bus has failed. */
	if (etalon_board_result(board, ret))
		dev_warn(&board->dev, "auxiliary lines are not what they were: %d\n", ret);
}

/* ---- the chip ---- */

static void name_lines(struct etalon_gpio *gpio)
{
	const struct etalon_hw_description *head = gpio->board->description.head;
	unsigned int i;

	for (i = 0; i < head->aux_lines; i++) {
		snprintf(gpio->name[i], NAME_BYTES, "%s.aux%u", head->serial, i);
		gpio->names[i] = gpio->name[i];
	}
}

static void fill_chip(struct etalon_gpio *gpio)
{
	struct gpio_chip *chip = &gpio->chip;

	chip->label = dev_name(&gpio->board->dev);
	chip->parent = &gpio->board->dev;
	chip->owner = THIS_MODULE;
	chip->base = -1;
	chip->ngpio = gpio->board->description.head->aux_lines;
	chip->names = gpio->names;
	chip->can_sleep = true;
	chip->get_direction = gpio_get_direction;
	chip->direction_input = gpio_direction_input;
	chip->direction_output = gpio_direction_output;
	chip->get = gpio_get;
	chip->set = gpio_set;
	gpio_irq_chip_set_chip(&chip->irq, &gpio_irq_chip);
	chip->irq.handler = handle_simple_irq;
	chip->irq.default_type = IRQ_TYPE_NONE;
	chip->irq.threaded = true;
}

/* A board without it is as good: says so and goes on. */
void etalon_gpio_register(struct etalon_board *board)
{
	struct etalon_gpio *gpio;
	int ret;

	if (!board->description.head->aux_lines)
		return;
	gpio = kzalloc(sizeof(*gpio), GFP_KERNEL);
	if (!gpio)
		return;
	gpio->board = board;
	name_lines(gpio);
	find_outputs(gpio);
	fill_chip(gpio);
	ret = gpiochip_add_data(&gpio->chip, gpio);
	if (ret) {
		dev_warn(&board->dev, "no auxiliary lines: %d\n", ret);
		kfree(gpio);
		return;
	}
	mutex_lock(&board->gpio_lock);
	board->gpio = gpio;
	mutex_unlock(&board->gpio_lock);
}

void etalon_gpio_unregister(struct etalon_board *board)
{
	struct etalon_gpio *gpio;

	mutex_lock(&board->gpio_lock); /* no handler runs any more */
	gpio = board->gpio;
	board->gpio = NULL;
	mutex_unlock(&board->gpio_lock);
	if (!gpio)
		return;
	gpiochip_remove(&gpio->chip);
	kfree(gpio);
}
