/*
 * What the clients of a port that carries several protocols want: ssh or https.
 *
 * One byte is enough. TLS begins with a handshake record, 0x16; a client that asks in plain HTTP
 * begins with the letter of a method, and the https door has an answer for it; everything else goes
 * to the ssh door, as on a port of its own. The byte stays in the socket. A client that waits for
 * the server to speak first is one of ssh, once its time is over. Clients are counted before they
 * are looked at; each holds a descriptor and its place among those who have not logged in.
 */
#ifndef BROKER_CONNECTIONS_SNIFFER_H
#define BROKER_CONNECTIONS_SNIFFER_H

#include <sys/socket.h>

#include "core/loop.h"

struct connections;
struct connections_port;
struct sniffer;

#define SNIFFER_RETRY_US (50 * LOOP_MSEC) /* between two looks at a door that starts again */

enum sniffed { SNIFFED_SSH, SNIFFED_HTTPS };

struct sniffer_options {
	struct loop *loop;
	struct connections *all;
	const struct connections_port *ssh, *web; /* NULL: not here; one is there */
	uint64_t timeout_us;
};

int sniffer_create(const struct sniffer_options *options, struct sniffer **out) MUST_CHECK;
void sniffer_destroy(struct sniffer **pointer); /* also those who wait; NULL inside allowed */

/* As listener_fn, arg the sniffer. */
void sniffer_accept(void *arg, int fd, const struct sockaddr_storage *peer, const char *peer_text);

/* What a client means that begins with this byte. Pure. */
enum sniffed sniffer_judge(unsigned char first);

#endif
