/* Task: the body of the request: from the client's buffer to the upstream. */
#include <errno.h>
#include <unistd.h>

#include "http/forward/forward_private.h"

static void collect(struct forward *f)
{
	size_t before = buf_len(f->o.in);
	int r = f->body_over ? 1 : collect_read(&f->collect, f->o.in, &f->up);

	f->progress = buf_len(f->o.in) != before || f->progress;
	f->body_over = r == 1;
	if (r == -EBADMSG)
		forward_give_up(f, 400, "malformed body");
	else if (r == -ENOBUFS)
		forward_give_up(f, 411,
			"a body in chunks is forwarded up to 1 MiB: give its Content-Length");
	else if (r < 0 || (r == 1 && forward_ask(f) < 0))
		forward_give_up(f, 503, "out of memory");
}

/* In pieces, as fast as the upstream takes them; what it does not want is read all the same, so
 * that its answer is heard. */
static void pass_on(struct forward *f)
{
	size_t len = smaller(buf_len(f->o.in), (size_t)smaller(f->body_left, FORWARD_UP_MAX));

	if (!f->discarding)
		len = buf_len(&f->up) < FORWARD_UP_MAX
			      ? smaller(len, FORWARD_UP_MAX - buf_len(&f->up))
			      : 0;
	if (len == 0)
		return;
	if (!f->discarding && buf_add(&f->up, buf_data(f->o.in), len) < 0) {
		forward_give_up(f, 503, "out of memory");
		return;
	}
	buf_drop(f->o.in, len);
	f->body_left -= len;
	f->body_over = f->body_left == 0;
	f->progress = true;
}

void forward_input(struct forward *f)
{
	if (f->step == FORWARD_COLLECTS)
		collect(f);
	else if (f->step >= FORWARD_HEAD && f->step < FORWARD_OVER && !f->body_over)
		pass_on(f);
	if (f->step == FORWARD_DRAINS && f->body_over)
		forward_finish(f, EXCHANGE_ENDED);
}

void forward_write(struct forward *f)
{
	while (buf_len(&f->up) > 0 && !f->discarding) {
		ssize_t n = write(f->fd, buf_data(&f->up), buf_len(&f->up));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			f->discarding = true; /* it may have answered all the same */
			buf_finish(&f->up);
			return;
		}
		buf_drop(&f->up, (size_t)n);
		f->progress = true;
	}
}
