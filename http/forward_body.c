/* Task: the body of the request: from the client's buffer to the upstream. */
#include <errno.h>
#include <unistd.h>

#include "http/forward_private.h"

static void collect(struct forward *f)
{
	while (f->step == FORWARD_COLLECTS && !f->body_over && buf_len(f->o.in) > 0) {
		const uint8_t *body = NULL;
		size_t len = 0;
		long used = http_chunks_read(
			&f->chunks, buf_data(f->o.in), buf_len(f->o.in), &body, &len);

		if (used < 0) {
			forward_give_up(f, 400, "malformed body");
			return;
		}
		if (len > 0 && buf_add(&f->up, body, len) < 0) {
			forward_give_up(f, 411,
				"a body in chunks is forwarded up to 1 MiB: give its "
				"Content-Length");
			return;
		}
		buf_drop(f->o.in, (size_t)used);
		f->progress = true;
		f->body_over = http_chunks_done(&f->chunks);
	}
	if (f->step == FORWARD_COLLECTS && f->body_over && forward_ask(f) < 0)
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
