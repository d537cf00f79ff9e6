/*
 * Task: logins one after the other, in several threads: connect, exchange keys, log in, leave.
 * Owner: bench/run.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "login.h"
#include "probe.h"

#define THREADS_MAX 64

struct handshakes {
	struct login login;
	uint64_t until;
	atomic_ulong done, failed;
};

static void *run(void *arg)
{
	struct handshakes *h = arg;

	while (now_ns() < h->until && !h->failed) {
		ssh_session session = login_connect(&h->login);

		if (!session) {
			h->failed++;
			break;
		}
		h->done++;
		ssh_disconnect(session);
		ssh_free(session);
	}
	return NULL;
}

static int in_threads(struct handshakes *h, long count)
{
	pthread_t threads[THREADS_MAX];
	long started = 0;

	while (started < count && pthread_create(&threads[started], NULL, run, h) == 0)
		started++;
	if (started < count)
		h->failed++;
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	return h->failed ? -1 : 0;
}

static double own_cpu(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

int probe_handshakes(int argc, char **argv)
{
	struct handshakes h = {0};
	uint64_t begun;
	long threads;
	int r;

	if (argc != 6)
		return 64;
	threads = strtol(argv[4], NULL, 10);
	if (threads < 1 || threads > THREADS_MAX || login_init(&h.login, argv + 1) < 0)
		return 64;
	begun = now_ns();
	h.until = begun + strtoull(argv[5], NULL, 10) * 1000000000;
	r = in_threads(&h, threads);
	(void)printf("%lu %llu %.6f\n", h.done, (unsigned long long)(now_ns() - begun), own_cpu());
	login_finish(&h.login);
	return r < 0;
}
