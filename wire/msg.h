/*
 * The messages of a line: what broker, doors and workers say to each other.
 *
 * A line is an AF_UNIX SOCK_SEQPACKET pair; one message is one datagram: a type byte, the fixed
 * struct of that type, then a payload of bytes, at most WIRE_MESSAGE_MAX in all; descriptors ride
 * along by SCM_RIGHTS. Both ends are the same program (the first message compares build ids), so
 * structs go in native layout; they are packed and copied out, never pointed into.
 *
 * Six kinds of line:
 *   control  broker <-> door, one per door, for its whole life
 *   login    one per connection; owns the identity and, in the broker, the rights
 *   local    a login line that vmconsolectl, or any other local program, made by connecting to the
 *            control socket: the same messages, but nobody vouches for what they say
 *   https    a login line of the https door
 *   channel  one per ssh channel or request; made by the other end of one of these, passed over it
 *   worker   broker <-> worker: its control line
 *   job      broker <-> worker, one per job; made by the broker, passed over the worker's line
 *
 * wire/table.c says for each message who may send it, when, and how long it is, and which proofs of
 * an AUTH belong to which kind of line. A message that the table does not allow ends the line.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include <stdint.h>

#define WIRE_MESSAGE_MAX 16384
#define WIRE_PAYLOAD_MAX (WIRE_MESSAGE_MAX - 256) /* of OUT, ERR, DATA */
#define WIRE_FDS_MAX 2
#define WIRE_LOGIN_MAX 256   /* bytes of a login name */
#define WIRE_PROOF_MAX 12288 /* a public key blob (certificates included) or a password */
#define WIRE_COMMAND_MAX 8192
#define WIRE_REASON_MAX 1024
#define WIRE_TERM_MAX 64
#define WIRE_LEASE_MAX 64 /* of a lease's token, whatever a client says it is */
#define WIRE_BANNER_MAX 4096
#define WIRE_VERSION_MAX 256 /* of a client's identification string, RFC 4253 §4.2 */
#define WIRE_BUILD_ID 32
#define WIRE_FIELDS_MAX 8192               /* of UPSTREAM */
#define WIRE_PATTERNS_MAX WIRE_COMMAND_MAX /* bytes of all patterns of a job, lengths included */
#define WIRE_FOUND_MAX 8192                /* bytes of a match's lines */
#define WIRE_OFFERS_MAX 64 /* refused keys that a connection may offer: they are no guesses */
/* All that is no guess and lets nobody in: refused keys, keys that would do, first factors of
 * several, queries what there is. Who offers all the keys there may be needs few more. */
#define WIRE_ATTEMPTS_MAX (2 * WIRE_OFFERS_MAX)
#define WIRE_PATH_MAX 4095       /* bytes of a path in the tree of files */
#define WIRE_NAME_MAX 255        /* of one name in it */
#define WIRE_REFUSED_MAX 32      /* of the name of a request that was refused */
#define WIRE_RANGES_MAX 16       /* of a file that was given out */
#define WIRE_PULL_MAX 261120     /* bytes of a file without a descriptor, asked for at once */
#define WIRE_PEEK_MAX (1U << 20) /* bytes of a guest's memory, asked for at once */
#define WIRE_MEMORY_MAX 16       /* ranges of a guest's memory */
#define WIRE_SCREEN_COLUMNS_MAX 500
#define WIRE_SCREEN_ROWS_MAX 200
#define WIRE_SCREEN_MODES_MAX 255 /* bytes of modes, as a word */
#define WIRE_SCREEN_MARK_MAX 128  /* of the mark in a repaint */
/* Bytes of a repaint: for each cell of both screens, and for all that is not cells. */
#define WIRE_REPAINT_CELL 112
#define WIRE_REPAINT_REST 4096
#define WIRE_REPAINT_MAX(columns, rows)                                                            \
	((size_t)2 * (columns) * (rows) * WIRE_REPAINT_CELL + WIRE_REPAINT_REST)
#define WIRE_HOST_MAX 255 /* bytes of a host's name */

enum wire_line {
	WIRE_CONTROL,
	WIRE_LOGIN,
	WIRE_LOCAL,
	WIRE_CHANNEL,
	WIRE_WORKER,
	WIRE_JOB,
	WIRE_HTTPS
};
#define WIRE_LINES (WIRE_HTTPS + 1)
enum wire_side { WIRE_BROKER, WIRE_DOOR }; /* DOOR: whoever is not the broker */

/* Where a line stands. One set for all kinds; the table uses them as masks. */
enum wire_state {
	WIRE_FRESH = 1 << 0,   /* control: no HELLO yet; login: nobody known; else: no request */
	WIRE_ASKED = 1 << 1,   /* control: HELLO sent; login, job: AUTH or WRAP is not answered */
	WIRE_RUNNING = 1 << 2, /* control: ready; login: authenticated; channel, job: at work */
	WIRE_HALF = 1 << 3,    /* channel: the client's input has ended */
	WIRE_ENDED = 1 << 4,   /* the last word has been said; nothing more is allowed */
	WIRE_SERVING = 1 << 5, /* channel: the door serves files, and asks for them */
};

enum wire_type {
	/* control and worker line; NEW on a control line only */
	WIRE_HELLO = 1, /* b->d */
	WIRE_READY,     /* d->b  sandboxed, listening to its control line */
	WIRE_SETTINGS,  /* b->d  payload: banner text */
	WIRE_NEW,       /* b->d  fds: connected socket, login line */
	WIRE_LOG,       /* d->b  payload: text */
	WIRE_STOP,      /* b->d  say goodbye to all sessions and end */

	/* login and local line; CLIENT on a login line only */
	WIRE_CLIENT,  /* d->b  payload: the client's identification string */
	WIRE_AUTH,    /* d->b  payload: login name, then proof */
	WIRE_VERDICT, /* b->d  payload: reason (only vmconsolectl shows it) */
	WIRE_OPEN,    /* d->b  fd: a fresh channel line */
	WIRE_BYE,     /* b->d  payload: reason; the door disconnects */

	/* channel line */
	WIRE_SHELL,   /* d->b  payload: TERM */
	WIRE_EXEC,    /* d->b  payload: TERM, then the command */
	WIRE_DATA,    /* d->b  the client's input */
	WIRE_EOF,     /* d->b  no more input */
	WIRE_WINSIZE, /* d->b */
	WIRE_SIGNAL,  /* d->b  payload: signal name without SIG, RFC 4254 §6.9 */
	WIRE_OUT,     /* b->d  to standard output */
	WIRE_ERR,     /* b->d  to standard error (on a pty the door merges it) */
	WIRE_EXIT,    /* b->d  the last message; payload: reason, for the log */
	WIRE_BREAK,   /* d->b  a line break, RFC 4335 */

	/* worker line */
	WIRE_TASK, /* b->d  fd: a fresh job line */
	WIRE_PING, /* b->d */
	WIRE_PONG, /* d->b  the answer: it gets round to its control line */

	/* job line */
	WIRE_MATCH,  /* b->d  payload: patterns, each behind two bytes of length */
	WIRE_BYTES,  /* b->d  payload: output of a console */
	WIRE_REST,   /* b->d  there is no more output for now */
	WIRE_READ,   /* d->b  the BYTES or the REST before were looked at */
	WIRE_FOUND,  /* d->b  a match, and the last message; payload: its lines */
	WIRE_FAILED, /* d->b  the last message; payload: why */

	/* channel line, to an https door */
	WIRE_BEGIN,    /* b->d  the console is open; OUT begins at offset */
	WIRE_UPSTREAM, /* b->d  fd: leads to the upstream; payload: header fields to add */

	/* channel line that serves files: each query gets one answer (PULL: one or more) */
	WIRE_FILES,   /* d->b  who asks; payload: the command of scp */
	WIRE_STAT,    /* d->b  payload: a path. Answer: ATTR */
	WIRE_LIST,    /* d->b  payload: a path. Answer: ENTRIES */
	WIRE_LEND,    /* d->b  payload: a path. Answer: LENT, or ATTR: a file read by PULL */
	WIRE_PULL,    /* d->b  bytes of such a file. Answer: PIECE, the last one marked */
	WIRE_GIVEN,   /* d->b  a file is closed; payload: ranges that the client has got */
	WIRE_REFUSED, /* d->b  a request would have changed something; payload: its name, a path */
	WIRE_DONE,    /* d->b  the client is done; payload: reason */
	WIRE_ATTR,    /* b->d */
	WIRE_ENTRIES, /* b->d  payload: entries, each a struct wire_entry and its name */
	WIRE_LENT,    /* b->d  fd: a file to read */
	WIRE_PIECE,   /* b->d  payload: bytes */
	WIRE_FAULT,   /* b->d  the answer is an error; payload: why, in words, or nothing */
	WIRE_REMOVE,  /* d->b  payload: a path. Answer: ATTR, of what it was */

	/* channel line, before SHELL or EXEC */
	WIRE_LEASE, /* d->b  payload: the token of a lease, VMC_LEASE of the client */

	/* job line: the log of a guest's kernel; FAILED ends it too */
	WIRE_KERNEL, /* b->d  fd: a dump, or (live) what PEEK fills; payload (live): what is memory
		      */
	WIRE_PEEK,   /* d->b  fill it with memory */
	WIRE_PEEKED, /* b->d  it is filled */
	WIRE_PRINT,  /* d->b  payload: lines of the log */
	WIRE_WHOLE,  /* d->b  the last message: that was all */

	/* control and worker line */
	WIRE_KEYS, /* b->d  fd: other private keys than at the start */

	/* job line: TLS with the upstream; WHOLE (it has ended in order) or FAILED ends it */
	WIRE_WRAP,    /* b->d  fds: connected to the upstream, a stream; payload: its name */
	WIRE_WRAPPED, /* d->b  what goes into the other end of the stream goes to the upstream, and
			 back */

	/* job line: what a terminal shows after BYTES; PRINT has its rows, or parts of a repaint;
	   FAILED ends it too */
	WIRE_SCREEN, /* b->d */
	WIRE_SHOWN,  /* d->b  the answer to REST, behind the rows, and the last message */
	WIRE_MODES,  /* b->d  payload: the terminal's modes at this place of BYTES, as a word */

	WIRE_TYPES
};

/* PEER is the only one on a local line; PASSWORD and CERTIFICATE are those on an https line; all
 * but these two, and PASSWORD, are the ssh door's to say. */
enum wire_method {
	WIRE_AUTH_NONE = 1,
	WIRE_AUTH_PROBE,     /* public key, no signature yet: would it do? */
	WIRE_AUTH_PUBLICKEY, /* public key, signature verified by the door */
	WIRE_AUTH_FORGED,    /* public key, signature found wrong by the door: a guess */
	WIRE_AUTH_UNUSABLE,  /* what the door does not take; proof: why, in words */
	WIRE_AUTH_PASSWORD,
	WIRE_AUTH_INTERACTIVE, /* keyboard-interactive, one prompt, answered */
	WIRE_AUTH_CERTIFICATE, /* X.509 in DER, TLS has proved that the client has its key */
	WIRE_AUTH_PEER,        /* the kernel's word (SO_PEERCRED); no proof in the message */
};
#define WIRE_METHODS (WIRE_AUTH_PEER + 1)

enum wire_verdict { WIRE_DENIED = 1, WIRE_ACCEPTED, WIRE_PARTIAL };

/* By what a client of https may be known. */
enum wire_https_auth { WIRE_BY_CERTIFICATE = 1, WIRE_BY_TICKET = 2, WIRE_BY_NOTHING = 4 };

/* Bits of the methods that can go on, for the client's failure message. */
enum wire_methods { WIRE_CAN_PUBLICKEY = 1, WIRE_CAN_PASSWORD = 2, WIRE_CAN_INTERACTIVE = 4 };

#define WIRE_PACKED __attribute__((packed))

struct wire_hello {
	uint8_t build[WIRE_BUILD_ID];
} WIRE_PACKED;

struct wire_ready {
	uint8_t build[WIRE_BUILD_ID];
	uint8_t landlock_abi;
	uint8_t seccomp;
} WIRE_PACKED;

struct wire_settings {
	uint32_t login_grace_ms;
	uint32_t idle_timeout_ms; /* 0: none */
	uint32_t keepalive_ms;    /* 0: none */
	uint32_t upstream_ms;     /* how long it may be silent; 0: nothing is forwarded */
	uint16_t max_channels;    /* per connection */
	uint16_t max_auth_tries;
	uint8_t log_level; /* enum log_level */
	uint8_t methods;   /* enum wire_methods: offered at first */
	/* By what a client of https may be known in requests for consoles, dumps, the upstream. */
	uint8_t console_auth, dump_auth, rpc_auth; /* enum wire_https_auth */
} WIRE_PACKED;

struct wire_new {
	uint64_t id;      /* the connection's number, for tags: "c12" */
	uint8_t is_plain; /* HTTP without TLS */
} WIRE_PACKED;

struct wire_log {
	uint64_t id; /* 0: the door itself */
	uint8_t level;
} WIRE_PACKED;

struct wire_auth {
	uint8_t method;
	uint16_t login_len;
} WIRE_PACKED;

struct wire_verdict_msg {
	uint8_t verdict;
	uint8_t methods; /* DENIED, PARTIAL: what may go on */
	uint8_t may_pty; /* ACCEPTED: whether a pty may be allocated */
} WIRE_PACKED;

struct wire_bye {
	int32_t status;
} WIRE_PACKED;

struct wire_request { /* SHELL, EXEC */
	uint8_t pty;
	uint8_t terminal;       /* standard output is a terminal; with a pty it is in any case */
	uint8_t files_refused;  /* SHELL: a file client was refused on this connection before */
	uint16_t columns, rows; /* 0: not known */
	uint8_t term_len;
} WIRE_PACKED;

struct wire_winsize {
	uint16_t columns, rows;
} WIRE_PACKED;

struct wire_break {
	uint32_t ms; /* how long; 0: not said */
} WIRE_PACKED;

struct wire_begin {
	uint64_t offset;
} WIRE_PACKED;

struct wire_upstream {
	uint8_t told; /* EXIT says whether its end is one in order: 0, that is. Not the bytes' end
		       */
} WIRE_PACKED;

struct wire_exit {
	int32_t status;
} WIRE_PACKED;

struct wire_ping { /* PING, PONG */
	uint64_t number;
} WIRE_PACKED;

struct wire_match {
	uint64_t offset; /* of the first byte that will come */
	uint64_t from;   /* a match begins here or later */
	uint8_t count;   /* of patterns */
	uint8_t raw, multi;
	uint8_t begins; /* a line begins at offset */
} WIRE_PACKED;

struct wire_bytes {
	uint64_t offset;
} WIRE_PACKED;

struct wire_read {
	uint64_t offset; /* all before it was looked at */
	uint64_t again;  /* output from here on is all that another worker needs to go on */
	uint8_t begins;  /*   a line begins there */
	uint8_t rest;    /* the answer to a REST */
} WIRE_PACKED;

struct wire_found {
	uint64_t start, end;
	uint8_t pattern; /* from 0 */
	uint8_t cut;     /* the payload is not all of the lines */
} WIRE_PACKED;

enum wire_client { WIRE_FILES_SFTP, WIRE_FILES_SCP, WIRE_FILES_HTTPS, WIRE_FILES_SUM };

struct wire_files {
	uint8_t client; /* enum wire_client */
} WIRE_PACKED;

struct wire_query { /* STAT, LEND, REMOVE */
	uint32_t query;
} WIRE_PACKED;

struct wire_list {
	uint32_t query;
	uint64_t from;
} WIRE_PACKED;

struct wire_pull {
	uint32_t query;
	uint32_t file; /* the query that it was opened by */
	uint64_t offset;
	uint32_t len;
} WIRE_PACKED;

struct wire_range {
	uint64_t from, to; /* to is exclusive */
} WIRE_PACKED;

struct wire_given {
	uint32_t file;
	uint64_t bytes;
	uint8_t more;  /* ranges were left out */
	uint8_t count; /* of struct wire_range in the payload */
} WIRE_PACKED;

struct wire_refused {
	uint8_t request_len;
} WIRE_PACKED;

struct wire_attributes {
	uint64_t size;
	uint32_t mode;    /* as st_mode */
	int64_t mtime;    /* seconds since 1970 */
	uint64_t version; /* of a file: another one for other bytes */
} WIRE_PACKED;

struct wire_attr {
	uint32_t query;
	struct wire_attributes attr;
} WIRE_PACKED;

struct wire_entry {
	struct wire_attributes attr;
	uint8_t name_len;
} WIRE_PACKED;

struct wire_entries {
	uint32_t query;
	struct wire_attributes attr; /* of the folder */
	uint64_t next;               /* from of the next LIST */
	uint8_t last;
	uint8_t count;
} WIRE_PACKED;

struct wire_piece {
	uint32_t query;
	uint8_t last;
} WIRE_PACKED;

struct wire_fault {
	uint32_t query;
	int32_t error;               /* -errno */
	struct wire_attributes attr; /* of a folder that was to be opened */
} WIRE_PACKED;

struct wire_kernel {
	uint8_t live; /* the guest runs */
} WIRE_PACKED;

struct wire_peek {
	uint64_t address; /* physical */
	uint32_t len;
} WIRE_PACKED;

struct wire_screen {
	uint64_t offset; /* of the first byte that will come */
	uint16_t columns, rows;
	uint8_t cut;     /* what was printed before that is not there */
	uint8_t repaint; /* PRINT has what makes a terminal show it, and not rows; payload: its mark
			  */
} WIRE_PACKED;

struct wire_shown {
	uint16_t column, row; /* of the cursor, from 0 */
	uint8_t hidden;       /* it is */
	uint8_t alternate;    /* the screen is that of full-screen programs */
} WIRE_PACKED;

enum wire_failure {
	WIRE_FAIL_PATTERN = 1,
	WIRE_FAIL_LIMIT,
	WIRE_FAIL_MEMORY,
	WIRE_FAIL_KERNEL,
	WIRE_FAIL_UPSTREAM,
	WIRE_FAIL_CLOSED /* the upstream has closed its socket without TLS's own end */
};
#define WIRE_FAIL_LAST WIRE_FAIL_CLOSED

struct wire_failed {
	uint8_t failure;
} WIRE_PACKED;

#endif
