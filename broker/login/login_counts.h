/* What is counted of logins, for metrics. Since the daemon began; the numbers only grow. */
#ifndef BROKER_LOGIN_LOGIN_COUNTS_H
#define BROKER_LOGIN_LOGIN_COUNTS_H

#include <stdbool.h>

#include "broker/login/login.h"

enum login_result { LOGIN_ACCEPTED, LOGIN_PARTIAL, LOGIN_REFUSED };
#define LOGIN_RESULTS (LOGIN_REFUSED + 1)

struct login_counts {
	uint64_t attempts[LOGIN_KINDS][WIRE_METHODS][LOGIN_RESULTS];
	uint64_t bytes_in[LOGIN_KINDS], bytes_out[LOGIN_KINDS]; /* of channels that have ended */
};

/* One attempt; all that is done with a public key counts as one method. */
void login_counts_add(struct login_counts *c, enum login_kind kind, enum wire_method method,
	enum login_result result);
/* Whether a login of this kind can be counted under the method. */
bool login_counts_has(enum login_kind kind, enum wire_method method);

/* The words for both: "ssh", "publickey". */
const char *login_kind_name(enum login_kind kind);
const char *login_method_name(enum wire_method method);
bool login_method_is_key(enum wire_method method);

#endif
